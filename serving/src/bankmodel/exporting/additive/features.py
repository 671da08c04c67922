"""What a feature of a linear model is: a sum of curves of one column, or a function that is constant between marks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from bankmodel.exporting.trees.ensemble import NotFoldable

__all__ = ["Curve", "Feature", "Features", "Kind", "Operation", "Smooth", "Stepped"]


class Kind(Enum):
    """What is done to a number; those that take values have them for each curve."""

    AFFINE = "times the first, plus the second"
    CLIP = "not below the first, not above the second"
    POWER = "to the power of the first"
    YEO_JOHNSON = "Yeo and Johnson's power, the first"
    LOG = "natural logarithm"
    EXP = "e to it"
    SQRT = "square root"
    TANH = "hyperbolic tangent"


@dataclass(frozen=True)
class Operation:
    """One thing done to a number."""

    kind: Kind
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Curve:
    """The column's number, after these operations."""

    column: int
    operations: tuple[Operation, ...] = ()

    def then(self, *operations: Operation) -> "Curve":
        """The same, and more done to it; what changes nothing is left out."""
        kept = (each for each in operations if each != Operation(Kind.AFFINE, (1.0, 0.0)))
        return replace(self, operations=(*self.operations, *kept))


@dataclass(frozen=True)
class Smooth:
    """constant + the sum of weight * curve. `filled` is the number of the column that a missing one counts as, if known."""

    column: int
    constant: float
    terms: tuple[tuple[float, Curve], ...]
    filled: float | None = None

    @classmethod
    def of(cls, column: int) -> "Smooth":
        """The column's own numbers."""
        return cls(column, 0.0, ((1.0, Curve(column)),))

    @property
    def is_raw(self) -> bool:
        """Whether it is the column's own numbers, perhaps imputed."""
        return (self.constant, self.terms) == (0.0, ((1.0, Curve(self.column)),))

    def scaled(self, factor: float, shift: float) -> "Smooth":
        """factor * this + shift."""
        terms = tuple((factor * weight, curve) for weight, curve in self.terms)
        return replace(self, constant=factor * self.constant + shift, terms=terms)

    def curve(self, step: Any) -> Curve:
        """This as a single curve, for `step` to go on with."""
        if len(self.terms) != 1:
            raise NotFoldable(
                f"{type(step).__name__} behind a spline is not known to be exact", "put it before the spline"
            )
        weight, curve = self.terms[0]
        return curve.then(Operation(Kind.AFFINE, (weight, self.constant)))

    def becoming(self, curve: Curve, *, weight: float = 1.0, constant: float = 0.0) -> "Smooth":
        """constant + weight * curve instead."""
        return replace(self, constant=constant, terms=((weight, curve),))

    def stepped(self, step: Any, marks: Iterable[float]) -> "Stepped":
        """A function that is constant between these of the column's numbers."""
        if not self.is_raw:
            raise NotFoldable(
                f"{type(step).__name__} bins or encodes numbers that a step before it has changed",
                "put it before that step",
            )
        return Stepped(self.column, tuple(map(float, marks)), is_raw=False)


@dataclass(frozen=True)
class Stepped:
    """Of numbers: constant between `marks`. Of words: it tells these apart, a missing one, and any other.

    What any step makes of it by itself is so, too. `is_raw`: the words themselves, perhaps imputed.
    """

    column: int
    marks: tuple[Any, ...] = ()
    is_raw: bool = True

    def told_apart(self, words: Iterable[Any]) -> "Stepped":
        """The same, with more words known."""
        return replace(self, marks=tuple(dict.fromkeys((*self.marks, *words)))) if self.is_raw else self

    def changed(self) -> "Stepped":
        """What a step makes of it."""
        return replace(self, is_raw=False)


Feature = Smooth | Stepped
Features = tuple[Feature, ...]
