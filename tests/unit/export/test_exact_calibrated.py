"""Calibrated classifiers around trees: raw scores, calibration and mean as the pipeline has them, rounded once."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from bankmodel.exporting.schema import NumberType, as_feeds, as_original, columns_of
from bankmodel.exporting.trees import NotFoldable, folded
from bankmodel.running import Runner
from support.fitted import NUMBERS, WORDS, applications, decisions
from support.hard_rows import hard_rows
from support.rows import row_bytes
from support.tree_models import BOOSTERS, CLASSIFIERS
from support.tree_steps import NUMBER_STEPS, WORD_STEPS, prepared

_TOKEN = "__missing__"
_MODELS = {**CLASSIFIERS, **BOOSTERS}
_METHODS = ("sigmoid", "isotonic", "temperature")


def _prepare() -> Any:
    return prepared(NUMBER_STEPS["median, standard"](), WORD_STEPS["one-hot"](), list(NUMBERS), list(WORDS))


def _calibrated(model: Any, method: str, **settings: Any) -> CalibratedClassifierCV:
    return CalibratedClassifierCV(model, method=method, **{"cv": 2, **settings})


def _graded() -> pd.Series:
    """Three grades by price, three in ten at random, so that no calibrator is all steps."""
    random = np.random.default_rng(0)
    price = applications()["price"]
    grades = np.select([price < 130, price < 210], [0, 1], 2)
    return pd.Series(np.where(random.random(len(price)) < 0.3, random.integers(0, 3, len(price)), grades))


def _assert_exact(pipeline: Any, *, numbers: NumberType = "FP32", near: float = 1e-7) -> None:
    frame = applications()
    columns = columns_of(pipeline, frame, numbers)
    model = folded(pipeline, frame, columns, token=_TOKEN, name="model")
    rows = pd.concat([frame, hard_rows(model, frame, 4_000, dtype=columns[0].dtype.type)], ignore_index=True)
    given = as_original(pipeline, rows, columns, as_sent=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says what it thinks of unknown words
        expected, labels = pipeline.predict_proba(given), pipeline.predict(given)
    feeds = as_feeds(rows, columns, _TOKEN)
    runner = Runner(model.SerializeToString())
    answered = runner.run(feeds)

    np.testing.assert_allclose(answered["probabilities"], expected, rtol=0, atol=near)
    assert labels.tolist() == answered["label"].tolist()
    for row in range(0, len(rows), 500):
        alone = runner.run({name: column[row : row + 1] for name, column in feeds.items()})
        assert row_bytes(alone, 0) == row_bytes(answered, row)


@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize("model", _MODELS)
def test_every_family_and_method(model: str, method: str) -> None:
    pipeline = make_pipeline(_prepare(), _calibrated(_MODELS[model](), method))

    _assert_exact(pipeline.fit(applications(), decisions()), near=3e-7 if model == "xgboost" else 1e-7)


def _on_the_other_half(model: Any, method: str) -> CalibratedClassifierCV:
    """Fitted on one half of the rows, calibrated on the other."""
    frame, target = applications(), decisions().to_numpy()
    fitted = make_pipeline(_prepare(), model).fit(frame[:1_000], target[:1_000])
    return CalibratedClassifierCV(FrozenEstimator(fitted), method=method).fit(frame[1_000:], target[1_000:])


_FORMS: dict[str, Callable[[Any, str], Any]] = {
    "preparation inside": lambda model, method: _calibrated(make_pipeline(_prepare(), model), method).fit(
        applications(), decisions()
    ),
    "preparation in front and inside": lambda model, method: make_pipeline(
        _prepare(), _calibrated(make_pipeline(NUMBER_STEPS["median, power"](), model), method)
    ).fit(applications(), decisions()),
    "one model for all folds": lambda model, method: make_pipeline(
        _prepare(), _calibrated(model, method, ensemble=False)
    ).fit(applications(), decisions()),
    "fitted before": _on_the_other_half,
    "three classes": lambda model, method: make_pipeline(_prepare(), _calibrated(model, method)).fit(
        applications(), _graded()
    ),
    "three classes, one model": lambda model, method: make_pipeline(
        _prepare(), _calibrated(model, method, ensemble=False)
    ).fit(applications(), _graded()),
}


@pytest.mark.parametrize(
    ("model", "method"),
    [
        *(("histogram boosting", method) for method in _METHODS),
        *(("xgboost", "isotonic"), ("shallow forest", "temperature")),
    ],
)
@pytest.mark.parametrize("form", _FORMS)
def test_every_form(form: str, model: str, method: str) -> None:
    _assert_exact(_FORMS[form](_MODELS[model](), method), near=3e-7 if model == "xgboost" else 1e-7)


def test_loss_and_link_of_their_own() -> None:
    from lightgbm import LGBMClassifier

    steep = LGBMClassifier(n_estimators=20, sigmoid=2.0, n_jobs=1, random_state=0, verbose=-1)
    for model in (GradientBoostingClassifier(loss="exponential", n_estimators=20, random_state=0), steep):
        pipeline = make_pipeline(_prepare(), _calibrated(model, "isotonic")).fit(applications(), decisions())
        _assert_exact(pipeline)


def test_classes_of_text() -> None:
    grades = _graded().map({0: "low", 1: "middle", 2: "high"})
    pipeline = make_pipeline(_prepare(), _calibrated(CLASSIFIERS["boosting"](), "isotonic"))

    _assert_exact(pipeline.fit(applications(), grades))


@pytest.mark.parametrize("method", _METHODS)
def test_callers_who_send_doubles(method: str) -> None:
    pipeline = make_pipeline(_prepare(), _calibrated(CLASSIFIERS["histogram boosting"](), method))

    _assert_exact(pipeline.fit(applications(), decisions()), numbers="FP64")


def test_a_frozen_last_step() -> None:
    inner = make_pipeline(NUMBER_STEPS["median"](), CLASSIFIERS["boosting"]())
    prepare = _prepare().fit(applications())
    inner.fit(prepare.transform(applications()), decisions())

    _assert_exact(Pipeline([("prepare", prepare), ("score", FrozenEstimator(inner))]))


def _refusal_of(pipeline: Any, numbers: NumberType = "FP32") -> str:
    frame = applications()
    with pytest.raises(NotFoldable) as refusal:
        folded(pipeline, frame, columns_of(pipeline, frame, numbers), token=_TOKEN, name="model")
    return str(refusal.value)


def test_float32_scores_on_steep_lines_are_refused_for_doubles() -> None:
    pipeline = make_pipeline(_prepare(), _calibrated(BOOSTERS["xgboost"](), "isotonic"))

    assert "with FP32 inputs alone" in _refusal_of(pipeline.fit(applications(), decisions()), "FP64")


@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
def test_members_that_know_other_classes_are_refused() -> None:
    grades, prepare = _graded(), _prepare().fit(applications())
    rows = prepare.transform(applications())
    two = CLASSIFIERS["tree"]().fit(rows[grades < 2], grades[grades < 2])
    calibrated = CalibratedClassifierCV(FrozenEstimator(two)).fit(rows, grades)

    assert "classes they know" in _refusal_of(Pipeline([("prepare", prepare), ("score", calibrated)]))
