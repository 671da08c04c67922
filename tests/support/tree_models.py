"""The tree models whose exact export is tried, small and repeatable. Used by unit tests and `make verify-export`."""

from collections.abc import Callable, Mapping
from typing import Any

from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["BOOSTERS", "BOOSTING_REGRESSORS", "CLASSIFIERS", "REGRESSORS", "TAKE_MISSING"]


def _lightgbm(kind: str, **settings: Any) -> Any:
    import lightgbm  # 1 s, for those who ask

    return getattr(lightgbm, kind)(n_estimators=20, n_jobs=1, random_state=0, verbose=-1, **settings)


def _xgboost(kind: str, **settings: Any) -> Any:
    import xgboost

    return getattr(xgboost, kind)(n_estimators=20, max_depth=4, n_jobs=1, random_state=0, **settings)


CLASSIFIERS: Mapping[str, Callable[[], Any]] = {
    "tree": lambda: DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
    "forest": lambda: RandomForestClassifier(n_estimators=20, random_state=0),
    "shallow forest": lambda: RandomForestClassifier(n_estimators=20, max_depth=6, random_state=0),
    "extra trees": lambda: ExtraTreesClassifier(n_estimators=20, max_depth=8, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=20, random_state=0),
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=20, random_state=0),
}
REGRESSORS: Mapping[str, Callable[[], Any]] = {
    "tree regression": lambda: DecisionTreeRegressor(min_samples_leaf=5, random_state=0),
    "forest regression": lambda: RandomForestRegressor(n_estimators=20, max_depth=8, random_state=0),
    "extra trees regression": lambda: ExtraTreesRegressor(n_estimators=20, max_depth=8, random_state=0),
    "boosting regression": lambda: GradientBoostingRegressor(n_estimators=20, random_state=0),
    "histogram boosting regression": lambda: HistGradientBoostingRegressor(max_iter=20, random_state=0),
    "histogram boosting of counts": lambda: HistGradientBoostingRegressor(loss="poisson", max_iter=20, random_state=0),
}
TAKE_MISSING = ("tree", "forest", "shallow forest", "extra trees", "histogram boosting")
"""Classifiers that take a missing value as it is, if they were fitted with some."""

BOOSTERS: Mapping[str, Callable[[], Any]] = {
    "lightgbm": lambda: _lightgbm("LGBMClassifier"),
    "xgboost": lambda: _xgboost("XGBClassifier"),
}
"""Other libraries' classifiers; both take missing values."""
BOOSTING_REGRESSORS: Mapping[str, Callable[[], Any]] = {
    "lightgbm regression": lambda: _lightgbm("LGBMRegressor"),
    "lightgbm of counts": lambda: _lightgbm("LGBMRegressor", objective="poisson"),
    "xgboost regression": lambda: _xgboost("XGBRegressor"),
    "xgboost of counts": lambda: _xgboost("XGBRegressor", objective="count:poisson"),
}
