"""Scorecards of optbinning: the file gives the probability and the points that the card gives, whatever the caller sends."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bankmodel.errors import ParityError, UsageError
from bankmodel.exporting.additive import added_up
from bankmodel.exporting.export import Exported, export
from bankmodel.exporting.schema import as_feeds, as_original, columns_of
from bankmodel.exporting.scorecards import as_pipeline
from bankmodel.running import Runner
from bankmodel_serving.codec import DecodeLimits
from bankmodel_serving.loading import load
from support.exact_linear import TOKEN, counted
from support.hard_rows import hard_rows
from support.scorecards import BINNED_PIPELINES, SCORECARDS, card_rows, fitted_card

_SCALED = "points to double the odds"


def _hard(name: str) -> tuple[Any, pd.DataFrame, Any, Any]:
    """The pipeline, the sample and 2,000 hard rows with the special code among them, the columns and the file."""
    pipeline, frame = as_pipeline(fitted_card(name)), card_rows()
    columns = columns_of(pipeline, frame)
    frame = frame[[column.name for column in columns]]
    model = added_up(pipeline, frame, columns, token=TOKEN, name="card")
    return pipeline, pd.concat([frame, hard_rows(model, frame, 2_000)], ignore_index=True), columns, model


@pytest.mark.parametrize("name", [*SCORECARDS, *BINNED_PIPELINES])
def test_probabilities_and_decisions_are_the_cards(name: str) -> None:
    pipeline, rows, columns, model = _hard(name)
    seen = counted(pipeline, model, rows, columns, cutoff=0.85)

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


@pytest.mark.parametrize("name", sorted({*SCORECARDS} - {"without points"}))
def test_points_are_the_cards(name: str) -> None:
    pipeline, rows, columns, model = _hard(name)
    answered = Runner(model.SerializeToString()).run(as_feeds(rows, columns, TOKEN))["points"].reshape(-1)
    sent = as_original(pipeline, rows, columns, as_sent=True)
    every_variable = sent.assign(**{name: np.nan for name in card_rows().columns if name not in sent})
    expected = fitted_card(name).score(every_variable)

    np.testing.assert_allclose(answered, expected, rtol=1e-6)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(
        fitted_card(_SCALED), card_rows(), tmp_path_factory.mktemp("card") / "card.onnx", cutoff=0.85, hard_rows=2_000
    )


def test_card_has_the_probability_as_the_score_and_says_how_it_was_made(made: Exported) -> None:
    score = made.card.score

    assert score is not None
    assert ("probabilities", 1, 0.85) == (score.output, score.class_index, score.cutoff)
    assert {"way": "exact linear"} == made.card.parity["conversion"]
    assert "optbinning" in made.card.provenance["libraries"]


def test_container_scores_requests_for_it_together_and_answers_points(made: Exported) -> None:
    loaded = load(str(made.path), made.sha256, DecodeLimits())

    assert (True, None) == (loaded.coalesces, loaded.golden_problem)
    assert {"probabilities", "label", "points"} == {put.name for put in loaded.schema.outputs}


def test_missing_values_and_special_codes_are_bins_of_their_own(made: Exported) -> None:
    assert {"Impute"} == {feature.on_missing for feature in made.card.features}


def test_variables_that_were_not_selected_are_no_inputs(tmp_path: Path) -> None:
    made = export(fitted_card("selected variables"), card_rows(), tmp_path / "card.onnx", hard_rows=1_000)
    selected = fitted_card("selected variables").binning_process_.get_support(names=True)

    assert list(selected) == [feature.name for feature in made.card.features]
    assert len(selected) < len(card_rows().columns)


def test_codes_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    card_rows().to_csv(path, index=False)
    made = export(fitted_card(_SCALED), path, tmp_path / "card.onnx", hard_rows=1_000)

    assert "BYTES" == {feature.name: feature.datatype for feature in made.card.features}["branch"]


def test_card_that_was_changed_by_hand_is_not_exported_with_other_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = fitted_card(_SCALED)
    monkeypatch.setattr(card, "score", lambda rows: np.zeros(len(rows)))

    with pytest.raises(ParityError, match=r"of \d+ rows other points"):
        export(card, card_rows(), tmp_path / "card.onnx", hard_rows=1_000)


def test_card_that_is_not_fitted_is_refused(tmp_path: Path) -> None:
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    card = Scorecard(BinningProcess(["liq"]), LogisticRegression())

    with pytest.raises(UsageError, match="not fitted"):
        export(card, card_rows(), tmp_path / "card.onnx", hard_rows=1_000)
