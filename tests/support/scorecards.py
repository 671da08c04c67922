"""Scorecards of optbinning over loan applications, as banks build them. Used by unit tests and `make verify-export`."""

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from support.fitted import applications, decisions

__all__ = ["BINNED_PIPELINES", "SCORECARDS", "card_rows", "fitted_card"]

SPECIAL = -9.0
"""What stands for "refused to say" in `obrat`."""


@cache
def _rows() -> pd.DataFrame:
    rows = applications()
    rows.loc[rows.index[::13], "obrat"] = SPECIAL
    branches = np.random.default_rng(0).integers(12, size=len(rows))
    rows["branch"] = [f"{number:03d}" for number in branches]
    return rows


def card_rows() -> pd.DataFrame:
    """The applications with a special code in one column, and a branch's number as text."""
    return _rows().copy()


def _process(**settings: Any) -> Any:
    from optbinning import BinningProcess

    words = ["property", "branch"]
    return BinningProcess(list(card_rows().columns), categorical_variables=words, special_codes=[SPECIAL], **settings)


def _scorecard(target: pd.Series, *, fit: Mapping[str, Any], process: Mapping[str, Any], **settings: Any) -> Any:
    from optbinning import Scorecard

    estimator = settings.pop("estimator", None) or LogisticRegression()
    return Scorecard(_process(**process), estimator, **settings).fit(card_rows(), target, **fit)


_PDO = {"scaling_method": "pdo_odds", "scaling_method_params": {"pdo": 20, "odds": 50, "scorecard_points": 600}}
_RANGE = {"scaling_method": "min_max", "scaling_method_params": {"min": 300, "max": 850}}
_EMPIRICAL = {"metric_special": "empirical", "metric_missing": "empirical"}

SCORECARDS: Mapping[str, Callable[[], Any]] = {
    "points to double the odds": lambda: _scorecard(decisions(), fit=_EMPIRICAL, process={}, **_PDO),
    "points in a range": lambda: _scorecard(decisions(), fit={}, process={}, **_RANGE),
    "rounded points": lambda: _scorecard(
        decisions(), fit=_EMPIRICAL, process={}, rounding=True, intercept_based=True, **_PDO
    ),
    "selected variables": lambda: _scorecard(
        decisions(), fit={"metric_missing": 0.3}, process={"selection_criteria": {"iv": {"min": 0.05}}}, **_RANGE
    ),
    "without points": lambda: _scorecard(decisions(), fit=_EMPIRICAL, process={}),
}
BINNED_PIPELINES: Mapping[str, Callable[[], Pipeline]] = {
    "bins, logistic": lambda: make_pipeline(_process(), LogisticRegression()).fit(card_rows(), decisions()),
}


@cache
def fitted_card(name: str) -> Any:
    """The scorecard or pipeline of this name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optbinning's own, of pandas
        return {**SCORECARDS, **BINNED_PIPELINES}[name]()
