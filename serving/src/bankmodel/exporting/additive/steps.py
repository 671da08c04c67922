"""What the fitted steps in front of a linear model make of the caller's columns, told as features.

A step that is not known here may mix columns, and the pipeline goes the standard way.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
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
from sklearn.utils import check_array

from bankmodel.exporting.additive.features import Feature, Kind, Operation, Smooth, Stepped
from bankmodel.exporting.additive.functions import FUNCTIONS
from bankmodel.exporting.additive.splines import splines
from bankmodel.exporting.schema import Column
from bankmodel.exporting.scorecards import Binned, Pointed, is_process, marks_of
from bankmodel.exporting.trees.ensemble import NotFoldable

__all__ = ["features_of"]

Features = tuple[Feature, ...]


def features_of(steps: Sequence[Any], columns: Sequence[Column]) -> Features:
    """The features that the fitted `steps`, one after the other, make of the columns."""
    features: Features = tuple(
        Stepped(place) if column.kind == "text" else Smooth.of(place) for place, column in enumerate(columns)
    )
    for step in steps:
        features = _after(step, features)
    return features


def _after(step: Any, given: Features) -> Features:
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return given
    known = _STEPS.get(type(step), _by_process if is_process(step) else None)
    if known is None:
        raise NotFoldable(f"{type(step).__name__} is not known to treat each column by itself")
    return known(step, given)


def _in_turn(step: Any, given: Features) -> Features:
    for _, part in step.steps:
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
            yield from _after(part, tuple(given[place] for place in places))


def _thawed(step: Any, given: Features) -> Features:
    return _after(step.estimator, given)


def _scaled(factors: Any, shifts: Any, given: Features) -> Features:
    """factor * feature + shift; None where there is none."""
    count = len(given)
    pairs = zip(
        np.ones(count) if factors is None else np.asarray(factors, np.float64),
        np.zeros(count) if shifts is None else np.asarray(shifts, np.float64),
        strict=True,
    )
    return tuple(
        feature.scaled(float(factor), float(shift)) if isinstance(feature, Smooth) else _changed(feature)
        for feature, (factor, shift) in zip(given, pairs, strict=True)
    )


def _changed(feature: Stepped) -> Stepped:
    return Stepped(feature.column, feature.marks, is_raw=False)


def _centred(step: Any, given: Features) -> Features:
    """StandardScaler and RobustScaler: what they subtract, then what they divide by."""
    centre = step.mean_ if isinstance(step, StandardScaler) else step.center_
    subtracts = step.with_mean if isinstance(step, StandardScaler) else step.with_centering
    factors = None if step.scale_ is None else 1 / step.scale_
    shifts = -centre * (1 if factors is None else factors) if subtracts else None
    return _scaled(factors, shifts, given)


def _to_a_range(step: Any, given: Features) -> Features:
    scaled = _scaled(step.scale_, step.min_, given)
    return _clipped(step, scaled, *step.feature_range) if step.clip else scaled


def _to_the_largest(step: Any, given: Features) -> Features:
    scaled = _scaled(1 / step.scale_, None, given)
    return _clipped(step, scaled, -1.0, 1.0) if getattr(step, "clip", False) else scaled


def _clipped(step: Any, given: Features, low: float, high: float) -> Features:
    return _computed(step, given, lambda _: (Operation(Kind.CLIP, (float(low), float(high))),))


def _computed(step: Any, given: Features, operations: Callable[[int], tuple[Operation, ...]]) -> Features:
    """Each smooth feature after the operations for its place."""
    return tuple(
        feature.becoming(feature.curve(step).then(*operations(place)))
        if isinstance(feature, Smooth)
        else _changed(feature)
        for place, feature in enumerate(given)
    )


def _power(step: Any, given: Features) -> Features:
    powers = [float(each) for each in step.lambdas_]
    if any(abs(power - edge) < _NEAR for power in powers for edge in (0, 2)):
        raise NotFoldable(f"{type(step).__name__} has a power so near to 0 or 2 that it is computed otherwise there")
    kind = Kind.YEO_JOHNSON if step.method == "yeo-johnson" else Kind.POWER
    made = _computed(step, given, lambda place: (Operation(kind, (powers[place],)),))
    if kind is Kind.POWER:  # Box and Cox: (x ** power - 1) / power
        made = _scaled([1 / power for power in powers], [-1 / power for power in powers], made)
    return _centred(step._scaler, made) if step.standardize else made


_NEAR = 1e-4
"""Nearer to it, (x ** power - 1) / power keeps less than 12 digits."""


def _imputed(step: Any, given: Features) -> Features:
    if step.keep_empty_features or step.strategy == "constant":
        stays = [True] * len(given)
    else:  # columns that were empty when it was fitted are left out
        stays = [not pd.isna(value) for value in step.statistics_]
    shown = () if step.indicator_ is None else _indicated(step.indicator_, given)
    filled = zip(given, step.statistics_, stays, strict=True)
    return (*(_filled(step, feature, value) for feature, value, stay in filled if stay), *shown)


def _filled(step: Any, feature: Feature, value: Any) -> Feature:
    if isinstance(feature, Stepped):
        return feature if pd.isna(step.missing_values) else feature.told_apart([step.missing_values])
    if not pd.isna(step.missing_values):
        raise NotFoldable(f"a number that stands for a missing one ({step.missing_values}) is no smooth matter")
    if feature.filled is None and len(feature.terms) == 1 and not feature.terms[0][1].operations:
        weight, curve = feature.terms[0]
        return Smooth(curve.column, feature.constant, feature.terms, (float(value) - feature.constant) / weight)
    return feature


def _indicated(step: Any, given: Features) -> Features:
    marks = [] if pd.isna(step.missing_values) else [step.missing_values]
    return tuple(_apart(step, given[place], marks) for place in step.features_)


def _apart(step: Any, feature: Feature, values: Any) -> Stepped:
    """A function of whether it is one of these values, or another."""
    present = [value for value in values if not pd.isna(value)]
    if isinstance(feature, Stepped):
        return _changed(feature.told_apart(present))
    return feature.stepped(step, present) if present else Stepped(feature.column, is_raw=False)


def _one_hot(step: Any, given: Features) -> Features:
    told = [_apart(step, feature, values) for feature, values in zip(given, step.categories_, strict=True)]
    return tuple(feature for feature, count in zip(told, step._n_features_outs, strict=True) for _ in range(count))


def _encoded(step: Any, given: Features) -> Features:
    told = [_apart(step, feature, values) for feature, values in zip(given, step.categories_, strict=True)]
    copies = len(step.classes_) if getattr(step, "target_type_", "") == "multiclass" else 1
    return tuple(feature for feature in told for _ in range(copies))


def _binned(step: Any, given: Features) -> Features:
    told = [_apart(step, feature, edges) for feature, edges in zip(given, step.bin_edges_, strict=True)]
    counts = [1] * len(told) if step.encode == "ordinal" else step.n_bins_
    return tuple(feature for feature, count in zip(told, counts, strict=True) for _ in range(count))


def _binary(step: Any, given: Features) -> Features:
    return tuple(_apart(step, feature, [step.threshold]) for feature in given)


def _splines(step: Any, given: Features) -> Features:
    return tuple(made for place, feature in enumerate(given) for made in splines(step, place, feature))


def _by_process(step: Any, given: Features) -> Features:
    return _weighed(step, tuple(given[place] for place in step.get_support(indices=True)))


def _of_binned(step: Any, given: Features) -> Features:
    return _weighed(step.process, given)


def _weighed(process: Any, given: Features) -> Features:
    """The variables that a BinningProcess of optbinning selected, each constant in its bins."""
    variables = [process.get_binned_variable(name) for name in process.get_support(names=True)]
    if any("PW" in type(variable).__name__ for variable in variables):
        raise NotFoldable("binning with a slope in its bins is not read")
    return tuple(_in_bins(process, *each) for each in zip(given, variables, strict=True))


def _in_bins(process: Any, feature: Feature, variable: Any) -> Stepped:
    """Special codes hold for all variables: a number is no word, and a word no number."""
    is_text = isinstance(feature, Stepped)
    return _apart(process, feature, [mark for mark in marks_of(variable) if isinstance(mark, str) == is_text])


def _selected(step: Any, given: Features) -> Features:
    return tuple(feature for feature, stays in zip(given, step.get_support(), strict=True) if stays)


def _by_function(step: Any, given: Features) -> Features:
    function = step.func
    if function is None or (isinstance(function, partial) and function.func is check_array):
        return given
    name = getattr(function, "__name__", str(function))
    if step.kw_args or not isinstance(function, np.ufunc) or name not in FUNCTIONS:
        raise NotFoldable(f"FunctionTransformer({name}) is not known to be computed alike")
    operations, factor, shift = FUNCTIONS[name]
    made = _computed(step, given, lambda _: operations)
    return _scaled([factor] * len(made), [shift] * len(made), made)


_STEPS: dict[type, Callable[[Any, Features], Features]] = {
    Pipeline: _in_turn,
    FeatureUnion: _side_by_side,
    ColumnTransformer: _columns,
    FrozenEstimator: _thawed,
    FunctionTransformer: _by_function,
    **dict.fromkeys((StandardScaler, RobustScaler), _centred),
    MinMaxScaler: _to_a_range,
    MaxAbsScaler: _to_the_largest,
    PowerTransformer: _power,
    SimpleImputer: _imputed,
    MissingIndicator: _indicated,
    OneHotEncoder: _one_hot,
    **dict.fromkeys((OrdinalEncoder, TargetEncoder), _encoded),
    KBinsDiscretizer: _binned,
    Binarizer: _binary,
    **dict.fromkeys((Binned, Pointed), _of_binned),
    SplineTransformer: _splines,
    **dict.fromkeys((SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold), _selected),
}
