"""What the fitted steps in front of a linear model make of the caller's columns, told as features.

A step that is not known here may mix columns, and the pipeline goes the standard way.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from bankmodel.exporting.additive.computed import by_function, by_splines, centred, powered, to_a_range, to_the_largest
from bankmodel.exporting.additive.features import Features, Smooth, Stepped
from bankmodel.exporting.additive.told import (
    binary,
    binned,
    by_process,
    encoded,
    imputed,
    indicated,
    of_binned,
    one_hot,
)
from bankmodel.exporting.schema import Column
from bankmodel.exporting.scorecards import Binned, Pointed, is_process
from bankmodel.exporting.trees.composed import composed
from bankmodel.exporting.trees.ensemble import NotFoldable, within

__all__ = ["features_of"]


def features_of(steps: Sequence[Any], columns: Sequence[Column]) -> Features:
    """The features that the fitted `steps`, one after the other, make of the columns."""
    features: Features = tuple(
        Stepped(place) if column.kind == "text" else Smooth.of(place) for place, column in enumerate(columns)
    )
    for step in steps:
        with within(type(step).__name__):
            features = _after(step, features)
    return features


def _after(step: Any, given: Features) -> Features:
    passed = composed(step, given, _after)
    if passed is not None:
        return passed
    known = _STEPS.get(type(step), by_process if is_process(step) else None)
    if known is None:
        raise NotFoldable(
            f"{type(step).__name__} is not known to treat each column by itself",
            "if it has no ONNX form, give it a method onnx_model()",
        )
    return known(step, given)


_STEPS: dict[type, Callable[[Any, Features], Features]] = {
    FunctionTransformer: by_function,
    **dict.fromkeys((StandardScaler, RobustScaler), centred),
    MinMaxScaler: to_a_range,
    MaxAbsScaler: to_the_largest,
    PowerTransformer: powered,
    SimpleImputer: imputed,
    MissingIndicator: indicated,
    OneHotEncoder: one_hot,
    **dict.fromkeys((OrdinalEncoder, TargetEncoder), encoded),
    KBinsDiscretizer: binned,
    Binarizer: binary,
    **dict.fromkeys((Binned, Pointed), of_binned),
    SplineTransformer: by_splines,
}
