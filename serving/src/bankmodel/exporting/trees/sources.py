"""Which column of the caller each feature of the trees is made of, and how: steps that treat every column by itself.

A step that is not known here may mix columns, and the pipeline goes the standard way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from bankmodel.exporting.trees.ensemble import NotFoldable

__all__ = ["Source", "sources_after"]


@dataclass(frozen=True)
class Source:
    """A feature is a function of one column.

    With `keys` it only tells these values apart (and a missing one, and any other); without, it is monotone between
    one of `turns` and the next. `is_raw`: so far the column's own values, perhaps imputed.
    """

    column: int
    keys: tuple[Any, ...] | None = None
    turns: tuple[float, ...] = ()
    is_raw: bool = True


Sources = tuple[Source, ...]


def sources_after(step: Any, given: Sources) -> Sources:
    """The sources of what the fitted `step` makes of features with the sources `given`."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return given
    known = _STEPS.get(type(step))
    if known is None:
        raise NotFoldable(f"{type(step).__name__} is not known to treat each column by itself")
    return known(step, given)


def _in_turn(step: Any, given: Sources) -> Sources:
    for _, part in step.steps:
        given = sources_after(part, given)
    return given


def _side_by_side(step: Any, given: Sources) -> Sources:
    return tuple(source for _, part in step.transformer_list if part != "drop" for source in sources_after(part, given))


def _columns(step: Any, given: Sources) -> Sources:
    return tuple(_column_blocks(step, given))


def _column_blocks(step: Any, given: Sources) -> Iterator[Source]:
    for name, part, _ in step.transformers_:
        places = step._transformer_to_input_indices[name]
        if not (isinstance(part, str) and part == "drop") and len(places):
            yield from sources_after(part, tuple(given[place] for place in places))


def _thawed(step: Any, given: Sources) -> Sources:
    return sources_after(step.estimator, given)


def _monotone(step: Any, given: Sources) -> Sources:
    return tuple(replace(source, is_raw=False) for source in given)


def _by_function(step: Any, given: Sources) -> Sources:
    if step.func is None:
        return given
    raise NotFoldable(f"FunctionTransformer({getattr(step.func, '__name__', step.func)!s}) is not known to be monotone")


_STEPS: dict[type, Callable[[Any, Sources], Sources]] = {
    Pipeline: _in_turn,
    FeatureUnion: _side_by_side,
    ColumnTransformer: _columns,
    FrozenEstimator: _thawed,
    FunctionTransformer: _by_function,
    **dict.fromkeys((StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler), _monotone),
}
