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

__all__ = ["CLASSIFIERS", "REGRESSORS", "TAKE_MISSING"]

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
