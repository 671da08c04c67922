"""Rows made to hurt: what is in them, what becomes of those that the pipeline refuses, and what they prove of a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from bankmodel.errors import UsageError
from bankmodel.exporting.conversion import Converted, convert
from bankmodel.exporting.evidence import Evidence, Terms, gathered
from bankmodel.exporting.export import export
from bankmodel.exporting.hard import hard_rows, pools_of, scored, thresholds_behind, thresholds_of
from bankmodel.exporting.hard.pools import UNKNOWN_WORDS
from bankmodel.exporting.schema import Column, columns_of
from bankmodel.exporting.subject import subject_of
from bankmodel.progress import silent
from bankmodel.samples import read_sample
from support.fitted import NUMBERS, applications, decisions, fitted

_TOKEN = "__missing__"


def _of(scorer: str, **form: bool) -> tuple[Pipeline, pd.DataFrame, Sequence[Column], Converted]:
    pipeline, frame = fitted(scorer, **form), applications()
    columns = columns_of(pipeline, frame)
    return pipeline, frame, columns, convert(pipeline, frame, columns, token=_TOKEN, name="model")


def _hard(found: tuple[Any, pd.DataFrame, Sequence[Column], Converted], may_miss: Sequence[str] = ()) -> pd.DataFrame:
    _, frame, columns, converted = found
    pools = pools_of(frame, columns, thresholds_of(converted.model))
    return hard_rows(frame.dropna(), columns, pools, may_miss=may_miss, rows=20_000).frame


def test_each_threshold_and_both_its_neighbours_are_tried() -> None:
    found = _of("histogram boosting", scaled=True)
    rows = _hard(found)

    for name, thresholds in thresholds_of(found[-1].model).items():
        exact = thresholds.astype(np.float32)
        beside = [np.nextafter(exact, np.float32(end)) for end in (-np.inf, np.inf)]
        assert [] == sorted({*np.concatenate([exact, *beside]).tolist()} - {*rows[name].tolist()})


def test_unknown_words_extremes_and_missing_values_are_tried_where_they_may_be() -> None:
    rows = _hard(_of("logistic"), may_miss=["liq", "property"])
    most = float(applications()["price"].max())

    assert {*UNKNOWN_WORDS} < {*rows["property"].dropna()}
    assert {0.0, np.float32(1_000 * most)} < {*rows["price"]}
    assert ["liq", "property"] == list(rows.columns[rows.isna().any()])


def test_rows_are_the_same_each_time() -> None:
    found = _of("logistic")

    pd.testing.assert_frame_equal(_hard(found), _hard(found))


def test_thresholds_behind_a_scaler_are_told_in_the_column_s_own_numbers() -> None:
    """Votes go the standard way; the same trees alone are exact, so that their thresholds are known."""
    pipeline, frame, columns, converted = _of("voting", scaled=True)
    exact = thresholds_of(_of("histogram boosting", scaled=True)[-1].model)
    found = thresholds_behind(pipeline, converted.model, columns, frame.dropna())

    assert set(NUMBERS) == set(found) == set(exact)
    for name, thresholds in exact.items():
        apart = np.abs(found[name][:, None] - thresholds).min(axis=0) / frame[name].std()
        assert apart.max() < 1e-6


def test_model_without_trees_has_no_thresholds() -> None:
    pipeline, frame, columns, converted = _of("logistic")

    assert ({}, {}) == (thresholds_of(converted.model), thresholds_behind(pipeline, converted.model, columns, frame))


def _logs() -> Pipeline:
    return make_pipeline(FunctionTransformer(np.log), GradientBoostingClassifier(n_estimators=5, random_state=0))


def test_numbers_that_the_pipeline_refuses_are_left_out_and_named(tmp_path: Path) -> None:
    frame = applications()[["loanamt", "price"]]
    made = export(_logs().fit(frame, decisions()), frame, tmp_path / "model.onnx", hard_rows=1_000)
    hard = made.card.parity["hard"]

    assert (1_000, 1_000) == (hard["asked"], hard["rows"] + hard["leftOut"]["rows"])
    assert {"loanamt", "price"} == set(hard["leftOut"]["values"])
    assert "numbers beyond" in hard["leftOut"]["values"]["price"]


def test_words_that_the_pipeline_refuses_are_left_out_and_named(tmp_path: Path) -> None:
    frame = applications()[["price", "property"]].dropna()
    prepare = ColumnTransformer([("words", OneHotEncoder(), ["property"])], remainder="passthrough")
    pipeline = make_pipeline(prepare, LogisticRegression(solver="liblinear")).fit(frame, decisions()[frame.index])
    made = export(pipeline, frame, tmp_path / "model.onnx", hard_rows=1_000)
    hard = made.card.parity["hard"]

    assert 1_000 == hard["rows"]
    assert {"property": "2 of 5: words it was not fitted with"} == hard["leftOut"]["values"]


def test_row_that_is_refused_for_two_values_together_is_left_out_alone() -> None:
    frame = pd.DataFrame({"a": np.arange(3_000) % 50, "b": np.arange(3_000) % 60})

    def score(rows: pd.DataFrame) -> np.ndarray | None:
        return None if ((rows["a"] == 0) & (rows["b"] == 0)).any() else rows[["a"]].to_numpy()

    found = scored(score, frame, doing="scoring")
    refused = np.flatnonzero((frame["a"] == 0) & (frame["b"] == 0))

    assert refused.tolist() == np.setdiff1d(np.arange(3_000), found.rows).tolist()
    assert frame["a"].iloc[found.rows].tolist() == found.scores[:, 0].tolist()


def test_pipeline_that_refuses_every_row_ends(tmp_path: Path) -> None:
    found = scored(lambda rows: None, pd.DataFrame({"a": range(30_000)}), doing="scoring")

    assert (0, 0) == (len(found.rows), len(found.scores))


def _agreeing() -> pd.DataFrame:
    """Those of the applications that the standard conversion of the scaled votes scores as the pipeline does."""
    pipeline, frame, _, converted = _of("voting", scaled=True)
    subject = subject_of(pipeline, read_sample(frame), None, "FP32")
    found = gathered(subject, converted, Terms(0.5, 1.0, 0), silent)
    alike = np.isclose(found.scores["rounded"], found.scores["converted"], rtol=0, atol=1e-6).all(axis=1)
    agreeing: pd.DataFrame = frame[alike]
    return agreeing


def test_standard_file_that_differs_on_hard_rows_alone_is_written_and_its_card_counts_them(tmp_path: Path) -> None:
    made = export(fitted("voting", scaled=True), _agreeing(), tmp_path / "model.onnx", hard_rows=20_000)
    hard = made.parity.hard
    assert hard is not None

    assert made.path.is_file()
    assert 0 == made.parity.rows_off < hard.found.rows_off == made.card.parity["hard"]["rowsOff"]
    assert hard.found.flips == made.card.parity["hard"]["flips"] > 0
    assert 0.1 < hard.found.worst == made.card.parity["hard"]["worst"]


def _pretending_to_be_exact(accept: float | None) -> Evidence:
    subject = subject_of(fitted("voting", scaled=True), read_sample(_agreeing()), None, "FP32")
    standard = convert(subject.scorer.pipeline, subject.frame, subject.columns, token=_TOKEN, name="model")
    return gathered(subject, Converted(standard.model, "exact trees"), Terms(0.5, accept, 20_000), silent)


def test_exact_file_that_differs_on_a_hard_row_is_refused() -> None:
    refusal = _pretending_to_be_exact(None).refusal

    assert refusal is not None
    assert "was to be exact, but scores" in refusal
    assert "please report it" in refusal


def test_accepted_difference_holds_for_hard_rows_too() -> None:
    assert _pretending_to_be_exact(1.0).refusal is None


def test_no_hard_rows_are_told_as_none(tmp_path: Path) -> None:
    made = export(fitted("logistic"), applications(), tmp_path / "model.onnx", hard_rows=0)

    assert (0, 0) == (made.card.parity["hard"]["rows"], made.card.parity["hard"]["asked"])


def test_fewer_than_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="-1 hard rows can't be made"):
        export(fitted("logistic"), applications(), tmp_path / "model.onnx", hard_rows=-1)


def test_golden_vectors_hold_hard_rows(tmp_path: Path) -> None:
    made = export(fitted("histogram boosting", scaled=True), applications(), tmp_path / "model.onnx", hard_rows=5_000)
    assert made.card.golden is not None
    met = {name: {*applications()[name].dropna().astype(np.float32).tolist()} for name in NUMBERS}
    new = {name: {*made.card.golden.inputs[name]} - met[name] - {None} for name in NUMBERS}

    assert all(len(values) > 5 for values in new.values())
    assert {*UNKNOWN_WORDS} & {*made.card.golden.inputs["property"]}
    assert 12 + 24 + 8 == len(made.card.golden.inputs["property"])
