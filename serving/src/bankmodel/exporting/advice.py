"""Why this pipeline's ONNX file may answer otherwise, and what to change: the causes that were met and measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer

from bankmodel.exporting.steps import fitted_steps

__all__ = ["remedies_for"]

_SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "PowerTransformer", "QuantileTransformer")
_TREES = ("GradientBoosting", "RandomForest", "ExtraTrees", "DecisionTree", "XGB", "LGBM")


def remedies_for(pipeline: Any) -> str:
    """A sentence for each cause this pipeline has; empty where none is known."""
    steps = list(fitted_steps(pipeline))
    return " ".join(cause.remedy for cause in _CAUSES if cause.is_in(steps))


@dataclass(frozen=True)
class _Cause:
    is_in: Callable[[list[BaseEstimator]], bool]
    remedy: str


def _has_trees(steps: list[BaseEstimator]) -> bool:
    return any(kind in type(step).__name__ for step in steps for kind in _TREES)


def _scales_for_trees(steps: list[BaseEstimator]) -> bool:
    return _has_trees(steps) and any(type(step).__name__ in _SCALERS for step in steps)


def _imputes_means_for_trees(steps: list[BaseEstimator]) -> bool:
    return _has_trees(steps) and any(isinstance(step, SimpleImputer) and step.strategy == "mean" for step in steps)


def _flags_missing(steps: list[BaseEstimator]) -> bool:
    return any(isinstance(step, SimpleImputer) and step.add_indicator for step in steps)


def _calibrates_in_jumps(steps: list[BaseEstimator]) -> bool:
    return any(isinstance(step, CalibratedClassifierCV) and step.method == "isotonic" for step in steps)


_CAUSES = (
    _Cause(
        _scales_for_trees,
        "A scaler in front of trees rounds differently in ONNX, and values on a threshold take the other branch: "
        "leave it out, trees need none.",
    ),
    _Cause(
        _imputes_means_for_trees,
        "An imputed mean rounds to another float32 next to a tree's threshold: impute the median.",
    ),
    _Cause(_flags_missing, "SimpleImputer(add_indicator=True) is converted differently: add such columns to the data."),
    _Cause(_calibrates_in_jumps, "Isotonic calibration has jumps, where rounding counts: method='sigmoid' has none."),
)
