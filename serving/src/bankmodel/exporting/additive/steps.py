"""What the fitted steps in front of a linear model make of the caller's columns, told as features.

A step that is not known here may mix columns, and the pipeline goes the standard way.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
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
from bankmodel.exporting.additive.features import Feature, Features, Smooth, Stepped
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
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return given
    known = _STEPS.get(type(step), by_process if is_process(step) else None)
    if known is None:
        raise NotFoldable(
            f"{type(step).__name__} is not known to treat each column by itself",
            "if it has no ONNX form, give it a method onnx_model()",
        )
    return known(step, given)


def _in_turn(step: Any, given: Features) -> Features:
    for name, part in step.steps:
        with within(name):
            given = _after(part, given)
    return given


def _side_by_side(step: Any, given: Features) -> Features:
    parts = (part for _, part in step.transformer_list if not (isinstance(part, str) and part == "drop"))
    return tuple(feature for part in parts for feature in _after(part, given))


def _columns(step: Any, given: Features) -> Features:
    return tuple(_column_blocks(step, given))


def _column_blocks(step: Any, given: Features) -> Iterator[Feature]:
    for name, part, _ in step.transformers_:
        places = step._transformer_to_input_indices[name]
        if not (isinstance(part, str) and part == "drop") and len(places):
            with within(name):
                yield from _after(part, tuple(given[place] for place in places))


def _thawed(step: Any, given: Features) -> Features:
    return _after(step.estimator, given)


def _selected(step: Any, given: Features) -> Features:
    return tuple(feature for feature, stays in zip(given, step.get_support(), strict=True) if stays)


_STEPS: dict[type, Callable[[Any, Features], Features]] = {
    Pipeline: _in_turn,
    FeatureUnion: _side_by_side,
    ColumnTransformer: _columns,
    FrozenEstimator: _thawed,
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
    **dict.fromkeys((SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold), _selected),
}
