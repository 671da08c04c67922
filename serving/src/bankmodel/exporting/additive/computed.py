"""Steps that compute a number from a number: scalers, powers, functions, splines. Called by `steps`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array

from bankmodel.exporting.additive.features import Features, Kind, Operation, Smooth
from bankmodel.exporting.additive.functions import FUNCTIONS
from bankmodel.exporting.additive.splines import splines
from bankmodel.exporting.trees.ensemble import NotFoldable

__all__ = ["by_function", "by_splines", "centred", "powered", "to_a_range", "to_the_largest"]


def _scaled(factors: Any, shifts: Any, given: Features) -> Features:
    """factor * feature + shift; None where there is none."""
    count = len(given)
    pairs = zip(
        np.ones(count) if factors is None else np.asarray(factors, np.float64),
        np.zeros(count) if shifts is None else np.asarray(shifts, np.float64),
        strict=True,
    )
    return tuple(
        feature.scaled(float(factor), float(shift)) if isinstance(feature, Smooth) else feature.changed()
        for feature, (factor, shift) in zip(given, pairs, strict=True)
    )


def centred(step: Any, given: Features) -> Features:
    """StandardScaler and RobustScaler: what they subtract, then what they divide by."""
    centre = step.mean_ if isinstance(step, StandardScaler) else step.center_
    subtracts = step.with_mean if isinstance(step, StandardScaler) else step.with_centering
    factors = None if step.scale_ is None else 1 / step.scale_
    shifts = -centre * (1 if factors is None else factors) if subtracts else None
    return _scaled(factors, shifts, given)


def to_a_range(step: Any, given: Features) -> Features:
    scaled = _scaled(step.scale_, step.min_, given)
    return _clipped(step, scaled, *step.feature_range) if step.clip else scaled


def to_the_largest(step: Any, given: Features) -> Features:
    scaled = _scaled(1 / step.scale_, None, given)
    return _clipped(step, scaled, -1.0, 1.0) if getattr(step, "clip", False) else scaled


def _clipped(step: Any, given: Features, low: float, high: float) -> Features:
    return _computed(step, given, lambda _: (Operation(Kind.CLIP, (float(low), float(high))),))


def _computed(step: Any, given: Features, operations: Callable[[int], tuple[Operation, ...]]) -> Features:
    """Each smooth feature after the operations for its place."""
    return tuple(
        feature.becoming(feature.curve(step).then(*operations(place)))
        if isinstance(feature, Smooth)
        else feature.changed()
        for place, feature in enumerate(given)
    )


def powered(step: Any, given: Features) -> Features:
    powers = [float(each) for each in step.lambdas_]
    if any(abs(power - edge) < _NEAR for power in powers for edge in (0, 2)):
        raise NotFoldable(f"{type(step).__name__} has a power so near to 0 or 2 that it is computed otherwise there")
    kind = Kind.YEO_JOHNSON if step.method == "yeo-johnson" else Kind.POWER
    made = _computed(step, given, lambda place: (Operation(kind, (powers[place],)),))
    if kind is Kind.POWER:  # Box and Cox: (x ** power - 1) / power
        made = _scaled([1 / power for power in powers], [-1 / power for power in powers], made)
    return centred(step._scaler, made) if step.standardize else made


_NEAR = 1e-4
"""Nearer to it, (x ** power - 1) / power keeps less than 12 digits."""


def by_splines(step: Any, given: Features) -> Features:
    return tuple(made for place, feature in enumerate(given) for made in splines(step, place, feature))


def by_function(step: Any, given: Features) -> Features:
    function = step.func
    if function is None or (isinstance(function, partial) and function.func is check_array):
        return given
    name = getattr(function, "__name__", str(function))
    if step.kw_args or not isinstance(function, np.ufunc) or name not in FUNCTIONS:
        raise NotFoldable(
            f"FunctionTransformer({name}) is not known to be computed alike",
            "write it as a transformer that has a method onnx_model()",
        )
    operations, factor, shift = FUNCTIONS[name]
    made = _computed(step, given, lambda _: operations)
    return _scaled([factor] * len(made), [shift] * len(made), made)
