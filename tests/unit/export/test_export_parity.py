"""Does the ONNX file answer as the pipeline does? Where not, it is refused with the rows, the size and the flips."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from bankmodel.errors import ConversionError, ParityError
from bankmodel.exporting.export import export
from bankmodel.exporting.parity import compare
from bankmodel.running import Runner
from bankmodel_serving.card import Card
from support.fitted import NUMBERS, SCORERS, WORDS, applications, fitted

_EXACT: list[tuple[str, dict[str, bool]]] = [(name, {}) for name in SCORERS] + [
    ("logistic", {"scaled": True}),
    ("gradient boosting", {"scaled": True}),
    ("histogram boosting", {"imputed": False}),
    ("histogram boosting", {"scaled": True}),
    ("forest", {"scaled": True}),
    ("xgboost", {"imputed": False}),
    ("lightgbm", {"imputed": False}),
]


@pytest.mark.parametrize(
    ("scorer", "form"), _EXACT, ids=[" ".join([name, *form, *map(str, form.values())]) for name, form in _EXACT]
)
def test_pipeline_with_numbers_text_and_missing_values_converts_exactly(
    scorer: str, form: dict[str, bool], tmp_path: Path
) -> None:
    pipeline, frame = fitted(scorer, **form), applications()
    made = export(pipeline, frame, tmp_path / "model.onnx")

    rounded = frame.astype(dict.fromkeys(NUMBERS, np.float32))
    expected = pipeline.predict(rounded) if scorer.endswith("regression") else pipeline.predict_proba(rounded)
    assert made.card.score is not None
    actual = Runner(made.path.read_bytes()).run(_feeds(frame, made.card))[made.card.score.output]

    assert (0, 0) == (made.parity.rows_off, made.parity.flips)
    assert len(frame) == made.parity.rows
    np.testing.assert_allclose(actual.reshape(expected.shape), expected, rtol=0, atol=1e-5)


def test_scaler_before_votes_of_trees_is_refused_with_rows_size_and_flips(tmp_path: Path) -> None:
    with pytest.raises(ParityError) as refusal:
        export(fitted("voting", scaled=True), applications(), tmp_path / "model.onnx")
    parity = refusal.value.parity
    shown = [item.is_flip for item in parity.differences]

    assert parity.rows_off > 100
    assert parity.worst > 0.1
    assert parity.flips > 0
    assert sorted(shown, reverse=True) == shown
    assert min(parity.flips, len(shown)) == sum(shown)
    assert all(abs(item.original - item.converted) > 1e-5 for item in parity.differences)
    assert not list(tmp_path.iterdir())
    assert "A scaler in front of trees" in str(refusal.value)
    assert "nothing was written" in str(refusal.value)
    assert "--accept" in str(refusal.value)


def test_accepted_difference_is_written_and_recorded(tmp_path: Path) -> None:
    made = export(fitted("voting", scaled=True), applications(), tmp_path / "model.onnx", accept=0.9)

    assert made.path.is_file()
    assert 0.9 == made.card.parity["accepted"]
    assert made.parity.rows_off == made.card.parity["rowsOff"] > 0
    assert made.parity.flips == made.card.parity["flips"] > 0


def test_difference_beyond_the_accepted_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParityError, match=re.escape("also beyond the accepted 0.01")):
        export(fitted("voting", scaled=True), applications(), tmp_path / "model.onnx", accept=0.01)

    assert not list(tmp_path.iterdir())


def test_what_rounding_to_float32_alone_changes_is_counted_apart() -> None:
    scores = {"original": [0.4, 0.6], "rounded": [0.4, 0.3], "converted": [0.4, 0.3]}
    parity = compare(_matrices(scores), index=1, cutoff=0.5, accepted=None)

    assert (0, 0, True) == (parity.rows_off, parity.flips, parity.is_met)
    assert (1, 1) == (parity.rounding.rows_off, parity.rounding.flips)


def test_not_a_number_on_one_side_is_never_accepted() -> None:
    scores = {"original": [0.4, 0.6], "rounded": [0.4, 0.6], "converted": [0.4, np.nan]}
    parity = compare(_matrices(scores), index=1, cutoff=0.5, accepted=1.0)

    assert (1, False) == (parity.rows_off, parity.is_met)


def test_a_regressors_difference_is_the_share_of_its_score() -> None:
    scores = {"original": [1e5, 0.5], "rounded": [1e5, 0.5], "converted": [1e5 + 0.9, 0.5 + 0.9e-5]}
    columns = {name: np.array(column).reshape(-1, 1) for name, column in scores.items()}
    absolute = compare(columns, index=0, cutoff=None, accepted=None)
    relative = compare(columns, index=0, cutoff=None, accepted=None, relative=True)

    assert (1, 0) == (absolute.rows_off, relative.rows_off)
    assert pytest.approx(9e-6) == relative.worst


@pytest.mark.parametrize("scorer", [LinearRegression(), HistGradientBoostingRegressor(max_iter=20, random_state=0)])
def test_amounts_are_exported_though_float32_has_no_digits_for_them(scorer: Any, tmp_path: Path) -> None:
    frame = applications()[["atotinc", "price"]] * 1_000
    made = export(scorer.fit(frame, frame["price"] + frame["atotinc"]), frame, tmp_path / "model.onnx")
    answered = Runner(made.path.read_bytes()).run(
        {name: frame[[name]].to_numpy(np.float32) for name in ("atotinc", "price")}
    )

    assert np.abs(answered["prediction"][:, 0] - scorer.predict(frame.astype(np.float32))).max() > 1e-5
    assert (0, True) == (made.parity.rows_off, made.card.parity["relative"])


def test_pipeline_stays_as_it_was_fitted(tmp_path: Path) -> None:
    pipeline, frame = fitted("xgboost"), applications()
    before = pipeline.predict_proba(frame)
    export(pipeline, frame, tmp_path / "model.onnx")

    assert before.tolist() == pipeline.predict_proba(frame).tolist()


def test_step_without_an_onnx_form_is_named(tmp_path: Path) -> None:
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline

    frame = applications()[["loanamt", "price"]]
    pipeline = make_pipeline(NearestCentroid()).fit(frame, frame["price"] > 150)

    with pytest.raises(ConversionError, match="NearestCentroid"):
        export(pipeline, frame, tmp_path / "model.onnx")


def test_calibration_around_a_whole_pipeline_names_the_form_that_works(tmp_path: Path) -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    frame = applications()[list(NUMBERS)]
    inner = make_pipeline(SimpleImputer(), LogisticRegression(solver="liblinear"))
    pipeline = CalibratedClassifierCV(inner, cv=2).fit(frame, frame["price"] > 150)

    with pytest.raises(ConversionError, match="put it around the last step instead"):
        export(pipeline, frame, tmp_path / "model.onnx")


def _feeds(frame: pd.DataFrame, card: Card) -> dict[str, np.ndarray]:
    token = next(feature.missing_token for feature in card.features if feature.missing_token)
    numbers = {name: frame[[name]].to_numpy(np.float32) for name in NUMBERS}
    return numbers | {name: frame[[name]].astype(object).fillna(token).to_numpy(object) for name in WORDS}


def _matrices(scores: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {name: np.column_stack([1 - np.array(column), np.array(column)]) for name, column in scores.items()}
