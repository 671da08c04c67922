"""Pairs of preparation and model on real data, whose exact export is counted. Used by unit tests and `make verify-export`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from support.fitted import NUMBERS, WORDS, applications, decisions
from support.tree_models import BOOSTERS, CLASSIFIERS, REGRESSORS
from support.tree_steps import NUMBER_STEPS, PASSING_MISSING, WORD_STEPS, prepared

__all__ = ["PAIRS", "Pair"]


@dataclass(frozen=True)
class Pair:
    """One pipeline, fitted when it is asked for, and the rows it was fitted on."""

    name: str
    make: Callable[[], tuple[Any, pd.DataFrame]]


_STEPS = (
    *("median", "median, flagged", "median, standard", "median, min-max", "median, robust"),
    *("median, power", "median, quantile", "median, log1p, standard", "median, one-hot bins"),
)
_STEPS_FOR_BOOSTERS = ("median, standard", "median, quantile")
_MODELS = ("tree", "shallow forest", "extra trees", "boosting", "histogram boosting")
_CALIBRATED_WHOLE = (
    *(("boosting", "sigmoid"), ("histogram boosting", "isotonic"), ("shallow forest", "isotonic")),
    *(("lightgbm", "isotonic"), ("xgboost", "isotonic"), ("histogram boosting", "temperature")),
)
_TAKING_MISSING = ("shallow forest", "histogram boosting", *BOOSTERS)


def _mortgage(numbers: Callable[[], Any], words: Callable[[], Any], model: str) -> tuple[Any, pd.DataFrame]:
    prepare = prepared(numbers(), words(), list(NUMBERS), list(WORDS))
    return make_pipeline(prepare, {**CLASSIFIERS, **BOOSTERS}[model]()).fit(applications(), decisions()), applications()


def _calibrated(model: str, method: str, *, inside: bool = False) -> tuple[Any, pd.DataFrame]:
    """The model calibrated behind the preparation, or together with it (`inside`)."""
    prepare = prepared(NUMBER_STEPS["median, standard"](), WORD_STEPS["one-hot"](), list(NUMBERS), list(WORDS))
    scorer = {**CLASSIFIERS, **BOOSTERS}[model]()
    if inside:
        whole: Any = CalibratedClassifierCV(make_pipeline(prepare, scorer), method=method, cv=3)
    else:
        whole = make_pipeline(prepare, CalibratedClassifierCV(scorer, method=method, cv=3))
    return whole.fit(applications(), decisions()), applications()


def _three_wines_calibrated(model: str) -> tuple[Any, pd.DataFrame]:
    scorer = {**CLASSIFIERS, **BOOSTERS}[model]
    return _on_bundled(load_wine, lambda: CalibratedClassifierCV(scorer(), method="isotonic", cv=3))


@cache
def _bundled(load: Callable[..., Any]) -> tuple[pd.DataFrame, pd.Series]:
    """A data set that comes with scikit-learn, each ninth value of its first column missing."""
    rows, target = load(as_frame=True, return_X_y=True)
    rows = rows.astype(float)
    rows.iloc[::9, 0] = np.nan
    return rows, target


def _on_bundled(load: Callable[..., Any], model: Callable[[], Any]) -> tuple[Any, pd.DataFrame]:
    rows, target = _bundled(load)
    return make_pipeline(NUMBER_STEPS["median"](), StandardScaler(), model()).fit(rows, target), rows


def _pairs() -> Iterator[Pair]:
    def mortgage(numbers: Callable[[], Any], words: Callable[[], Any], model: str) -> Callable[[], Any]:
        return lambda: _mortgage(numbers, words, model)

    def bundled(load: Callable[..., Any], model: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: _on_bundled(load, model)

    for step in _STEPS:
        for model in (*_MODELS, *(BOOSTERS if step in _STEPS_FOR_BOOSTERS else ())):
            yield Pair(f"{step} | one-hot > {model}", mortgage(NUMBER_STEPS[step], WORD_STEPS["one-hot"], model))
    for words in list(WORD_STEPS)[1:]:
        for model in ("boosting", "histogram boosting"):
            yield Pair(f"median | {words} > {model}", mortgage(NUMBER_STEPS["median"], WORD_STEPS[words], model))
    for step in PASSING_MISSING:
        for model in _TAKING_MISSING:
            yield Pair(f"{step} | one-hot > {model}", mortgage(PASSING_MISSING[step], WORD_STEPS["one-hot"], model))
    for model in _MODELS:
        yield Pair(f"cancer: median, standard > {model}", bundled(load_breast_cancer, CLASSIFIERS[model]))
    for model in ("shallow forest", "histogram boosting"):
        yield Pair(f"three wines: median, standard > {model}", bundled(load_wine, CLASSIFIERS[model]))
    for model in REGRESSORS:
        yield Pair(f"diabetes: median, standard > {model}", bundled(load_diabetes, REGRESSORS[model]))


def _calibrated_pairs() -> Iterator[Pair]:
    for model in (*_MODELS, *BOOSTERS):
        for method in ("sigmoid", "isotonic"):
            yield Pair(f"median, standard | one-hot > {method}({model})", partial(_calibrated, model, method))
    for model, method in _CALIBRATED_WHOLE:
        name = f"{method}(median, standard | one-hot > {model})"
        yield Pair(name, partial(_calibrated, model, method, inside=True))
    for model in ("shallow forest", "histogram boosting", "xgboost"):
        yield Pair(f"three wines: median, standard > isotonic({model})", partial(_three_wines_calibrated, model))


PAIRS = (*_pairs(), *_calibrated_pairs())
