"""A linear model over a pipeline's features, told in the caller's columns: curves with weights, and levels of columns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bankmodel.exporting.additive.features import Curve, Feature, Smooth
from bankmodel.exporting.additive.levels import Levels, levels_of
from bankmodel.exporting.additive.model import Linear
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.oracle import Oracle

__all__ = ["Sums", "sums_of"]

_NO_WORDS: Mapping[int, tuple[str, ...]] = {}
_NOTHING = 1e-13
"""A share of a number in double that its rounding alone may make."""


@dataclass(frozen=True)
class Sums:
    """Each sum is its constant, zero where there are levels, + the curves' weights [sums, curves] + what every column's level adds.

    `filled` holds for a column the number that a missing one counts as in its curves.
    """

    constants: np.ndarray
    curves: tuple[Curve, ...]
    weights: np.ndarray
    filled: dict[int, float]
    levels: tuple[Levels, ...]

    @property
    def words(self) -> dict[int, tuple[str, ...]]:
        """The words that text columns know, in the order of their codes."""
        return {level.column: level.words for level in self.levels if level.words is not None}


def sums_of(model: Linear, oracle: Oracle[Feature], words: Mapping[int, tuple[str, ...]] = _NO_WORDS) -> Sums:
    """The model's sums; columns in `words` have codes for these already."""
    if model.coefficients.shape[1] != len(oracle.sources):
        raise NotFoldable(f"the model weighs {model.coefficients.shape[1]} features of {len(oracle.sources)}")
    constants = model.intercepts.astype(np.float64)
    curves: dict[Curve, np.ndarray] = {}
    for feature, column_weights in zip(oracle.sources, model.coefficients.T, strict=True):
        if isinstance(feature, Smooth):
            constants = constants + column_weights * feature.constant
            for weight, curve in feature.terms:
                curves[curve] = curves.get(curve, 0.0) + weight * column_weights
    levels = {each.column: each for each in levels_of(oracle, model.coefficients, words)}
    blanks = _blanks(oracle)
    for blank in blanks:
        apart = blank.beyond(oracle)
        if apart is not None:
            beside = model.coefficients[:, blank.features] @ apart
            levels[blank.column] = _with_missing(levels.get(blank.column), blank.column, beside)
    weights = np.stack(list(curves.values()), axis=1) if curves else np.zeros((len(constants), 0))
    filled = {blank.column: blank.number for blank in blanks}
    used = tuple(level for level in levels.values() if level.cuts or level.missing is not None)
    settled = [level.values[0] for level in levels.values() if not level.cuts and level.missing is None]
    constants = constants + sum(settled, np.zeros(len(constants)))
    if used:  # one of a column's levels is always added, so that the constants need no addition of their own
        used, constants = (used[0].raised(constants), *used[1:]), np.zeros(len(constants))
    return Sums(constants, tuple(curves), weights, filled, used)


@dataclass(frozen=True)
class _Blank:
    """A column with curves that may be missing: its smooth features, what they are then, and the number put there."""

    column: int
    features: list[int]
    missing: np.ndarray
    number: float

    def beyond(self, oracle: Oracle[Feature]) -> np.ndarray | None:
        """How far the features of a missing value are from those of the number; None where rounding alone parts them."""
        given = oracle.values(dict.fromkeys(self.features, np.array([self.number])))
        beyond = self.missing - np.concatenate([given[place] for place in self.features])
        is_rounding = np.abs(beyond) <= _NOTHING * np.maximum(1, np.abs(self.missing))
        return None if is_rounding.all() else np.where(is_rounding, 0, beyond)


def _blanks(oracle: Oracle[Feature]) -> list[_Blank]:
    """The number is the one that the imputer puts there, or any other that the pipeline takes."""
    smooth: dict[int, dict[int, float | None]] = {}
    for place, feature in enumerate(oracle.sources):
        if isinstance(feature, Smooth):
            smooth.setdefault(feature.column, {})[place] = feature.filled
    found = []
    for column, features in smooth.items():
        missing = oracle.missing(column)
        if missing is not None and np.isfinite(missing[list(features)]).all():
            number = next((each for each in features.values() if each is not None), float(oracle.typical(column)))
            found.append(_Blank(column, list(features), missing[list(features)], number))
    return found


def _with_missing(levels: Levels | None, column: int, apart: np.ndarray) -> Levels:
    if levels is None:
        return Levels(column, (), np.zeros((1, len(apart))), apart)
    return replace(levels, missing=apart + (levels.values[0] if levels.missing is None else levels.missing))
