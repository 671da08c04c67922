"""What steps that hold others, or only select, make of features: the same for any kind of feature.

Known by their very type: a subclass may do something else.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline

from bankmodel.exporting.trees.ensemble import within

__all__ = ["composed"]

F = TypeVar("F")
After = Callable[[Any, tuple[F, ...]], tuple[F, ...]]
"""The features behind a fitted step, for those that go into it."""


def composed(step: Any, given: tuple[F, ...], after: After[F]) -> tuple[F, ...] | None:
    """The features behind the fitted `step`, `after` telling those behind a step inside; None: it is a step of another kind."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return given
    known = _KNOWN.get(type(step))
    return None if known is None else tuple(known(step, given, after))


def _in_turn(step: Pipeline, given: tuple[F, ...], after: After[F]) -> tuple[F, ...]:
    for name, part in step.steps:
        with within(name):
            given = after(part, given)
    return given


def _side_by_side(step: FeatureUnion, given: tuple[F, ...], after: After[F]) -> Iterator[F]:
    for name, part in step.transformer_list:
        if not _is_dropped(part):
            with within(name):
                yield from after(part, given)


def _by_columns(step: ColumnTransformer, given: tuple[F, ...], after: After[F]) -> Iterator[F]:
    for name, part, _ in step.transformers_:
        places = step._transformer_to_input_indices[name]
        if not _is_dropped(part) and len(places):
            with within(name):
                yield from after(part, tuple(given[place] for place in places))


def _thawed(step: FrozenEstimator, given: tuple[F, ...], after: After[F]) -> tuple[F, ...]:
    return after(step.estimator, given)


def _selected(step: Any, given: tuple[F, ...], after: After[F]) -> Iterator[F]:
    return (feature for feature, stays in zip(given, step.get_support(), strict=True) if stays)


def _is_dropped(part: Any) -> bool:
    return isinstance(part, str) and part == "drop"


_KNOWN: dict[type, Callable[..., Any]] = {
    Pipeline: _in_turn,
    FeatureUnion: _side_by_side,
    ColumnTransformer: _by_columns,
    FrozenEstimator: _thawed,
    **dict.fromkeys((SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold), _selected),
}
