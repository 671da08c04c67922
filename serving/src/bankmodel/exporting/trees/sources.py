"""Which column of the caller each feature of the trees is made of, and how: steps that treat every column by itself.

A step that is not known here may mix columns, and the pipeline goes the standard way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
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
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils import check_array

from bankmodel.declared import turns_of
from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.composed import composed
from bankmodel.exporting.trees.ensemble import NotFoldable, within

__all__ = ["Source", "sources_after", "sources_of"]

_DECLARE = "if it treats each column by itself and never turns back, declare it with bankmodel.monotone"
_BEFORE = "put it before that step"


@dataclass(frozen=True)
class Source:
    """A feature is a function of one column.

    With `keys` it only tells these values apart (and a missing one, and any other); without, it is monotone between
    one of `turns` and the next. `is_raw`: so far the column's own values, perhaps imputed. Values below `least` are
    refused by the pipeline. `declared` names the step that is known from its author alone.
    """

    column: int
    keys: tuple[Any, ...] | None = None
    turns: tuple[float, ...] = ()
    is_raw: bool = True
    least: float = -np.inf
    declared: str | None = None

    def turning_at(self, step: Any, *values: float) -> "Source":
        """The same, with more places where it may turn; known only of the column's own values."""
        if not (self.is_raw or self.keys is not None):
            raise NotFoldable(
                f"{type(step).__name__} behind a step that changes values may turn where nobody looks", _BEFORE
            )
        return replace(self, turns=(*self.turns, *values))

    def telling_apart(self, step: Any, values: Any) -> "Source":
        """A function of whether it is one of these values, or another."""
        if not self.is_raw and self.keys is not None:
            return self  # an encoder behind an encoder tells apart no more than the first does
        if not self.is_raw:
            raise NotFoldable(f"{type(step).__name__} encodes numbers that a step before it has changed", _BEFORE)
        present = (value for value in values if not pd.isna(value))
        return replace(self, keys=tuple(dict.fromkeys((*(self.keys or ()), *present))), is_raw=False)


Sources = tuple[Source, ...]


def sources_of(steps: Sequence[Any], columns: Sequence[Column]) -> Sources:
    """The sources of what the fitted `steps` make of the caller's columns, one after the other."""
    sources = tuple(Source(place, () if column.kind == "text" else None) for place, column in enumerate(columns))
    for step in steps:
        with within(type(step).__name__):
            sources = sources_after(step, sources)
    return sources


def sources_after(step: Any, given: Sources) -> Sources:
    """The sources of what the fitted `step` makes of features with the sources `given`."""
    passed = composed(step, given, sources_after)
    if passed is not None:
        return passed
    known = _STEPS.get(type(step))
    turns = turns_of(step)
    if turns is not None and known is None:
        return _declared(step, given, turns)
    if known is None:
        raise NotFoldable(f"{type(step).__name__} is not known to treat each column by itself", _DECLARE)
    return known(step, given)


def _declared(step: Any, given: Sources, turns: tuple[float, ...]) -> Sources:
    name = type(step).__name__
    if any(source.keys is not None and source.is_raw for source in given):
        raise NotFoldable(f"{name} is declared monotone, and text has no order", "encode the text first")
    turning = (source.turning_at(step, *turns) if turns else source for source in given)
    return tuple(replace(source, is_raw=False, declared=source.declared or name) for source in turning)


def _monotone(step: Any, given: Sources) -> Sources:
    return tuple(replace(source, is_raw=False) for source in given)


def _power(step: Any, given: Sources) -> Sources:
    if step.method == "box-cox":  # refuses what is not positive
        given = tuple(replace(source.turning_at(step, 0.0), least=np.nextafter(0, 1)) for source in given)
    return _monotone(step, given)


def _imputed(step: Any, given: Sources) -> Sources:
    kept = _without_value(step)
    shown = () if step.indicator_ is None else _indicated(step.indicator_, given)
    return (*(_recoded(step, source) for source, stays in zip(given, kept, strict=True) if stays), *shown)


def _without_value(step: SimpleImputer) -> list[bool]:
    """Columns that were empty when it was fitted are left out."""
    if step.keep_empty_features or step.strategy == "constant":
        return [True] * len(step.statistics_)
    return [not pd.isna(value) for value in step.statistics_]


def _recoded(step: Any, source: Source) -> Source:
    """A missing value that is a value like any other, such as -1, is no monotone matter."""
    value = step.missing_values
    if pd.isna(value):
        return source
    return source.turning_at(step, float(value)) if source.keys is None else source.telling_apart(step, [value])


def _indicated(step: Any, given: Sources) -> Sources:
    return tuple(replace(_recoded(step, given[place]), is_raw=False) for place in step.features_)


def _one_hot(step: Any, given: Sources) -> Sources:
    told = (source.telling_apart(step, values) for source, values in zip(given, step.categories_, strict=True))
    return tuple(source for source, count in zip(told, step._n_features_outs, strict=True) for _ in range(count))


def _encoded(step: Any, given: Sources) -> Sources:
    told = (source.telling_apart(step, values) for source, values in zip(given, step.categories_, strict=True))
    copies = len(step.classes_) if getattr(step, "target_type_", "") == "multiclass" else 1
    return tuple(source for source in told for _ in range(copies))


def _binned(step: Any, given: Sources) -> Sources:
    if step.encode == "ordinal":
        return _monotone(step, given)
    told = (source.turning_at(step, *edges) for source, edges in zip(given, step.bin_edges_, strict=True))
    return tuple(
        replace(source, is_raw=False) for source, bins in zip(told, step.n_bins_, strict=True) for _ in range(bins)
    )


def _by_function(step: Any, given: Sources) -> Sources:
    function = step.func
    if function is None or (isinstance(function, partial) and function.func is check_array):
        return given
    declared = turns_of(function)
    if declared is not None:
        return _declared(step, given, declared)
    if step.kw_args or not isinstance(function, np.ufunc) or function.__name__ not in _TURNS:
        named = getattr(function, "__name__", function)
        raise NotFoldable(f"FunctionTransformer({named}) is not known to be monotone", _DECLARE)
    turns = _TURNS[function.__name__]
    return _monotone(step, tuple(source.turning_at(step, *turns) if turns else source for source in given))


# numpy's monotone functions, and where those begin that do not take every number
_TURNS: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("arcsinh", "arctan", "cbrt", "exp", "exp2", "expm1", "negative", "sign", "tanh"), ()),
    **dict.fromkeys(("ceil", "floor", "rint", "trunc"), ()),
    **dict.fromkeys(("log", "log10", "log2", "sqrt"), (0.0,)),
    "log1p": (-1.0,),
}

_STEPS: dict[type, Callable[[Any, Sources], Sources]] = {
    FunctionTransformer: _by_function,
    **dict.fromkeys((StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler), _monotone),
    **dict.fromkeys((Binarizer, QuantileTransformer), _monotone),
    PowerTransformer: _power,
    SimpleImputer: _imputed,
    MissingIndicator: _indicated,
    OneHotEncoder: _one_hot,
    OrdinalEncoder: _encoded,
    TargetEncoder: _encoded,
    KBinsDiscretizer: _binned,
}
