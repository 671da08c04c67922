"""What an exported file says of itself: inputs, score, known answers, baselines and where it came from."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

from bankmodel import onnx_file
from bankmodel.baseline import PROBABILITY_EDGES
from bankmodel.errors import UsageError
from bankmodel.exporting.export import Exported, export
from bankmodel.running import Runner
from bankmodel_serving.card import Card, Golden
from support.fitted import NUMBERS, WORDS, applications, decisions, fitted


def test_file_carries_the_card_that_was_returned(exported: Exported) -> None:
    assert exported.card == onnx_file.card_in(onnx_file.load(exported.path))


def test_digest_is_that_of_the_file(exported: Exported) -> None:
    assert exported.sha256 == onnx_file.sha256_of(exported.path)


def test_every_column_is_a_named_input_of_its_type(exported: Exported) -> None:
    expected = [*((name, "FP32", "Impute", None) for name in NUMBERS), ("property", "BYTES", "Impute", "__missing__")]
    actual = [(each.name, each.datatype, each.on_missing, each.missing_token) for each in exported.card.features]
    model = onnx_file.load(exported.path)

    assert expected == actual
    assert [(name, datatype) for name, datatype, *_ in expected] == [
        (put.name, put.datatype) for put in onnx_file.inputs_of(model)
    ]
    assert [[None, 1]] * len(expected) == [list(put.shape) for put in onnx_file.inputs_of(model)]


def test_missing_token_is_a_word_the_sample_does_not_use(tmp_path: Path) -> None:
    frame = applications().head(300)
    frame.loc[frame.index[:5], "property"] = "__missing__"
    made = export(fitted("logistic", scaled=True), frame, tmp_path / "model.onnx")

    assert "___missing___" == made.card.features[-1].missing_token


def test_column_without_an_imputer_rejects_missing_values(tmp_path: Path) -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    frame = applications()[["loanamt", "liq"]]
    prepare = ColumnTransformer([("kept", "passthrough", ["loanamt"]), ("filled", SimpleImputer(), ["liq"])])
    pipeline = make_pipeline(prepare, LogisticRegression(solver="liblinear")).fit(frame, decisions())
    made = export(pipeline, frame, tmp_path / "model.onnx")

    assert {"loanamt": "Reject", "liq": "Impute"} == {each.name: each.on_missing for each in made.card.features}


def test_score_is_the_second_class_with_its_bins_and_cutoff(exported: Exported) -> None:
    score = exported.card.score
    assert score is not None
    assert score.baseline is not None

    assert ("probabilities", 1, 0.7) == (score.output, score.class_index, score.cutoff)
    assert PROBABILITY_EDGES == score.edges == score.baseline.edges
    assert len(applications()) == sum(score.baseline.counts)


def test_named_class_is_the_score(tmp_path: Path) -> None:
    made = export(fitted("logistic", scaled=True), applications(), tmp_path / "model.onnx", positive="0")
    assert made.card.score is not None

    assert (0, "0") == (made.card.score.class_index, made.card.provenance["positiveClass"])


def test_unknown_class_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no class 'yes'; its classes are 0, 1"):
        export(fitted("logistic", scaled=True), applications(), tmp_path / "model.onnx", positive="yes")


def test_score_of_a_regression_has_bins_of_its_own_and_no_cutoff(tmp_path: Path) -> None:
    made = export(fitted("regression"), applications(), tmp_path / "model.onnx")
    score = made.card.score
    assert score is not None

    assert ("prediction", None, None) == (score.output, score.class_index, score.cutoff)
    assert 20 == len(score.edges) - 1


def test_golden_vectors_are_spread_over_the_scores_and_tell_their_tolerances(exported: Exported) -> None:
    golden = _golden(exported.card)
    scores = [row[1] for row in golden.outputs["probabilities"]]
    all_scores = Runner(exported.path.read_bytes()).run(_feeds(exported.card))["probabilities"][:, 1]

    assert (1e-4, 1e-6) == (golden.rtol, golden.atol)
    assert [*NUMBERS, *WORDS] == list(golden.inputs)
    assert min(scores) <= all_scores.min() + 1e-6
    assert max(scores) >= all_scores.max() - 1e-6


def test_golden_vectors_try_each_column_missing(exported: Exported) -> None:
    assert dict.fromkeys((*NUMBERS, *WORDS), True) == {
        name: None in column for name, column in _golden(exported.card).inputs.items()
    }


def test_baseline_counts_every_value_of_the_sample(exported: Exported) -> None:
    frame = applications()
    for feature in exported.card.features:
        found = feature.baseline
        assert found is not None

        assert int(frame[feature.name].isna().sum()) == found.missing
        assert len(frame) == sum(found.counts) + found.missing + found.outside


def test_baseline_of_text_counts_its_words(exported: Exported) -> None:
    found = exported.card.features[-1].baseline
    counts = applications()["property"].value_counts()
    assert found is not None

    assert {str(word): int(count) for word, count in counts.items()} == dict(
        zip(found.categories, found.counts, strict=True)
    )


def test_provenance_says_what_made_it_from_what(exported: Exported) -> None:
    known = exported.card.provenance

    assert ("mortgage-approval", "2026.11", "2026-11-01T00:00:00Z") == (
        known["name"],
        known["version"],
        known["trainedAt"],
    )
    assert (len(applications()), ["0", "1"], "1") == (known["rows"], known["classes"], known["positiveClass"])
    assert version("scikit-learn") == known["libraries"]["scikit-learn"]
    assert version("onnxruntime") == known["libraries"]["onnxruntime"]
    assert "ColumnTransformer" in known["pipeline"]


def test_provenance_names_the_boosting_library(tmp_path: Path) -> None:
    made = export(fitted("xgboost"), applications(), tmp_path / "model.onnx")

    assert version("xgboost-cpu") == made.card.provenance["libraries"]["xgboost"]


def test_parity_is_recorded_with_the_types_it_was_stated_for(exported: Exported) -> None:
    parity = exported.card.parity

    assert (len(applications()), 0, 0, None) == (
        parity["rows"],
        parity["rowsOff"],
        parity["flips"],
        parity["accepted"],
    )
    assert dict.fromkeys(NUMBERS, "FP32") | {"property": "BYTES"} == parity["inputTypes"]


def test_same_time_gives_the_same_file(exported: Exported, tmp_path: Path) -> None:
    again = [
        export(
            fitted("logistic", scaled=True),
            applications(),
            tmp_path / name,
            name="mortgage-approval",
            version="2026.11",
            cutoff=0.7,
            trained_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
        for name in ("one.onnx", "two.onnx")
    ]

    assert [exported.sha256] * 2 == [made.sha256 for made in again]


def test_operator_sets_are_written_in_one_order(exported: Exported) -> None:
    """The converter writes them in the order of a set, which differs from process to process."""
    domains = [entry.domain for entry in onnx_file.load(exported.path).opset_import]

    assert sorted(domains) == domains


def test_column_names_survive_as_they_are(tmp_path: Path) -> None:
    frame = applications()[["loanamt", "price"]].set_axis(["loan amount", "price (k$)"], axis=1)
    from sklearn.linear_model import LogisticRegression

    pipeline = LogisticRegression(solver="liblinear").fit(frame, decisions())
    made = export(pipeline, frame, tmp_path / "model.onnx")

    assert ["loan amount", "price (k$)"] == [put.name for put in onnx_file.inputs_of(onnx.load(made.path))]


def test_pipeline_fitted_on_an_array_takes_the_sample_s_columns(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    frame = applications()[["loanamt", "price"]]
    pipeline = LogisticRegression(solver="liblinear").fit(frame.to_numpy(), decisions())
    made = export(pipeline, frame, tmp_path / "model.onnx")

    assert ["loanamt", "price"] == [feature.name for feature in made.card.features]


def test_text_that_looks_like_numbers_is_read_as_the_pipeline_saw_it(tmp_path: Path) -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    codes = np.where(applications()["price"] > 150, "007", "013")
    frame = pd.DataFrame({"price": applications()["price"], "branch": codes})
    prepare = ColumnTransformer([("kept", "passthrough", ["price"]), ("codes", OneHotEncoder(), ["branch"])])
    pipeline = make_pipeline(prepare, LogisticRegression(solver="liblinear")).fit(frame, decisions())
    frame.to_csv(tmp_path / "sample.csv", index=False)
    made = export(pipeline, tmp_path / "sample.csv", tmp_path / "model.onnx")
    found = made.card.features[1].baseline
    assert found is not None

    assert {"007", "013"} == set(found.categories)


def _golden(card: Card) -> Golden:
    assert card.golden is not None
    return card.golden


def _feeds(card: Card) -> dict[str, np.ndarray]:
    frame, token = applications(), card.features[-1].missing_token
    numbers = {name: frame[[name]].to_numpy(np.float32) for name in NUMBERS}
    return numbers | {"property": frame[["property"]].astype(object).fillna(token).to_numpy(object)}
