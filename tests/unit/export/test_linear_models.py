"""A linear model's row gets the same score, to the bit, alone and in any batch; and the score it had before."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from bankmodel.exporting.export import Exported, export
from bankmodel.running import Runner
from bankmodel_serving.codec import DecodeLimits
from bankmodel_serving.loading import load
from support.fitted import NUMBERS, WORDS, applications, decisions, fitted
from support.linear_models import LINEAR_STEPS
from support.rows import row_bytes
from support.tree_steps import WORD_STEPS, prepared

_TEXT_LABELS = ("denied", "approved", "referred")


def _graded() -> pd.Series:
    """Three grades of price over income."""
    grades: pd.Series = pd.qcut(applications()["price"] / (applications()["atotinc"] + 1), 3, labels=False)
    return grades


def _refitted(scorer: Any, target: pd.Series) -> Pipeline:
    prepare = fitted("logistic", scaled=True).named_steps["prepare"]
    rows = prepare.transform(applications())
    return Pipeline([("prepare", prepare), ("score", scorer.fit(rows, target))])


_PIPELINES: dict[str, Any] = {
    "liblinear": lambda: fitted("logistic", scaled=True),
    "lbfgs": lambda: _refitted(LogisticRegression(), decisions()),
    "text labels": lambda: _refitted(LogisticRegression(), decisions().map({0: "denied", 1: "approved"})),
    "three classes": lambda: _refitted(LogisticRegression(max_iter=500), _graded()),
    "three text classes": lambda: _refitted(
        LogisticRegression(max_iter=500), _graded().map(dict(enumerate(_TEXT_LABELS)))
    ),
    "calibrated by sigmoids": lambda: _refitted(CalibratedClassifierCV(LogisticRegression(), cv=2), decisions()),
    "regression": lambda: _refitted(LinearRegression(), decisions()),
    "one against the rest": lambda: _refitted(SGDClassifier(loss="log_loss", random_state=0), _graded()),
    "bent and binned": lambda: make_pipeline(
        prepared(LINEAR_STEPS["spline of one, bins of another"](), WORD_STEPS["one-hot"](), list(NUMBERS), list(WORDS)),
        LogisticRegression(solver="liblinear"),
    ).fit(applications(), decisions()),
}


@pytest.fixture(scope="module", params=_PIPELINES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Exported]:
    pipeline = _PIPELINES[request.param]()
    classes: list[Any] = list(getattr(pipeline, "classes_", []))
    positive = str(classes[0]) if len(classes) > 2 else None
    path = tmp_path_factory.mktemp("linear") / "model.onnx"
    return pipeline, export(pipeline, applications(), path, positive=positive)


def _feeds(made: Exported, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    token = next(feature.missing_token for feature in made.card.features if feature.missing_token)
    numbers = {name: frame[[name]].to_numpy(np.float32) for name in NUMBERS}
    return numbers | {name: frame[[name]].astype(object).fillna(token).to_numpy(object) for name in WORDS}


def test_card_says_which_way_it_was(case: tuple[Any, Exported]) -> None:
    _, made = case

    assert "exact linear" == made.card.parity["conversion"]["way"]


def test_container_scores_requests_for_it_together(case: tuple[Any, Exported]) -> None:
    _, made = case
    loaded = load(str(made.path), made.sha256, DecodeLimits())

    assert (True, None) == (loaded.coalesces, loaded.golden_problem)


def test_scores_and_labels_are_those_of_the_pipeline(case: tuple[Any, Exported]) -> None:
    pipeline, made = case
    frame = applications().astype(dict.fromkeys(NUMBERS, np.float32))
    answered = Runner(made.path.read_bytes()).run(_feeds(made, frame))

    assert (0, 0) == (made.parity.rows_off, made.parity.flips)
    if "label" in answered:
        assert pipeline.predict(frame).tolist() == answered["label"].tolist()


def test_any_batch_gives_a_row_the_bytes_it_gets_alone(case: tuple[Any, Exported]) -> None:
    _, made = case
    runner, feeds = Runner(made.path.read_bytes()), _feeds(made, applications())
    alone: dict[int, dict[str, bytes]] = {}

    def score(rows: list[int]) -> dict[str, np.ndarray]:
        return runner.run({name: column[rows] for name, column in feeds.items()})

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.integers(0, len(applications()) - 1), min_size=1, max_size=70))
    def check(rows: list[int]) -> None:
        together = score(rows)
        for place, row in enumerate(rows):
            if row not in alone:
                alone[row] = row_bytes(score([row]), 0)
            assert alone[row] == row_bytes(together, place)

    check()


def test_same_pipeline_gives_the_same_digest(tmp_path: Path, exported: Exported) -> None:
    again = export(
        fitted("logistic", scaled=True),
        applications(),
        tmp_path / "mortgage.onnx",
        name="mortgage-approval",
        version="2026.11",
        cutoff=0.7,
        trained_at=pd.Timestamp("2026-11-01", tz="UTC").to_pydatetime(),
    )

    assert exported.sha256 == again.sha256
