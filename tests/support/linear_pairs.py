"""Pairs of steps and linear model on real data, whose exact export is counted. Used by unit tests and `make verify-export`."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bankmodel.exporting.scorecards import as_pipeline
from support.exact_pairs import Pair
from support.fitted import NUMBERS, WORDS, applications, decisions
from support.linear_models import CALIBRATED, LINEAR_CLASSIFIERS, LINEAR_REGRESSORS, LINEAR_STEPS
from support.scorecards import BINNED_PIPELINES, SCORECARDS, card_rows, fitted_card
from support.tree_steps import NUMBER_STEPS, WORD_STEPS, prepared

__all__ = ["CARD_PAIRS", "LINEAR_PAIRS"]

_REFUSING = ("box-cox", "spline, open ends")
"""The first refuses what is not positive; beyond its knots the pipeline itself loses digits to the second."""


_Maker = Callable[[], Any]


def _mortgage(
    numbers: _Maker, words: _Maker, model: _Maker, target: Callable[[], pd.Series]
) -> tuple[Any, pd.DataFrame]:
    prepare = prepared(numbers(), words(), list(NUMBERS), list(WORDS))
    return _fitted(make_pipeline(prepare, model()), applications(), target())


def _bundled(load: Callable[..., Any], model: _Maker) -> tuple[Any, pd.DataFrame]:
    rows, target = load(as_frame=True, return_X_y=True)
    rows = rows.astype(float)
    rows.iloc[::9, 0] = np.nan
    return _fitted(make_pipeline(NUMBER_STEPS["median"](), StandardScaler(), model()), rows, target)


def _fitted(pipeline: Any, rows: pd.DataFrame, target: pd.Series) -> tuple[Any, pd.DataFrame]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not every solver gets to its end, which changes nothing here
        return pipeline.fit(rows, target), rows


def _card(name: str) -> tuple[Any, pd.DataFrame]:
    pipeline = as_pipeline(fitted_card(name))
    return pipeline, card_rows()[list(pipeline.feature_names_in_)]


def _grades() -> pd.Series:
    return pd.qcut(applications()["obrat"], 3, labels=["low", "middle", "high"]).astype(str)


def _prices() -> pd.Series:
    prices: pd.Series = np.log1p(applications()["price"])
    return prices


def _pairs() -> Iterator[Pair]:
    one_hot, standard = WORD_STEPS["one-hot"], LINEAR_STEPS["median, standard"]
    logistic = LINEAR_CLASSIFIERS["logistic"]
    for name, step in LINEAR_STEPS.items():
        if name not in _REFUSING:
            yield Pair(f"{name} > logistic", partial(_mortgage, step, one_hot, logistic, decisions))
    for name, step in WORD_STEPS.items():
        yield Pair(f"{name} > logistic", partial(_mortgage, standard, step, logistic, decisions))
    for name, model in {**LINEAR_CLASSIFIERS, **CALIBRATED}.items():
        if model is not logistic:
            yield Pair(f"standard > {name}", partial(_mortgage, standard, one_hot, model, decisions))
    for name in ("logistic", "stochastic", "discriminant"):
        scorer = LINEAR_CLASSIFIERS[name]
        yield Pair(f"standard > three grades, {name}", partial(_mortgage, standard, one_hot, scorer, _grades))
    for name, model in LINEAR_REGRESSORS.items():
        yield Pair(f"standard > {name}", partial(_mortgage, standard, one_hot, model, _prices))
    yield Pair("cancer: standard > logistic", partial(_bundled, load_breast_cancer, logistic))
    yield Pair("three wines: standard > logistic", partial(_bundled, load_wine, logistic))
    yield Pair("diabetes: standard > ridge", partial(_bundled, load_diabetes, LINEAR_REGRESSORS["ridge"]))


LINEAR_PAIRS = tuple(_pairs())
CARD_PAIRS = tuple(Pair(f"scorecard: {name}", partial(_card, name)) for name in (*SCORECARDS, *BINNED_PIPELINES))
