"""Does the ONNX file answer as the pipeline does? Compared row by row on the whole sample, on the same float32 inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bankmodel.progress import Progress, silent

__all__ = ["DEFAULT_TOLERANCE", "Difference", "Parity", "compare", "in_batches", "row_differences"]

DEFAULT_TOLERANCE = 1e-5
"""Largest difference in score that is called equal: float32 arithmetic of both sides stays a hundred times below.

Of a regressor's score above 1 it is a share: an amount of 100,000 has float32 neighbours 0.008 apart.
"""

_SHOWN = 20
_BATCH = 2_000


@dataclass(frozen=True)
class Difference:
    """One row of the sample (counted from 0) that the ONNX file scores otherwise."""

    row: int
    original: float
    converted: float
    is_flip: bool


@dataclass(frozen=True)
class Rounding:
    """What rounding the inputs to float32 changes in the pipeline alone, before any conversion."""

    rows_off: int
    worst: float
    flips: int


@dataclass(frozen=True)
class Parity:
    """What the comparison found. `rows_off` counts rows beyond `tolerance`; `accepted` is what the user took instead.

    With `relative`, differences are shares of scores above 1.
    """

    rows: int
    rows_off: int
    worst: float
    flips: int
    cutoff: float | None
    tolerance: float
    relative: bool
    accepted: float | None
    rounding: Rounding
    differences: tuple[Difference, ...]

    @property
    def is_met(self) -> bool:
        """Whether every row is within the tolerance that counts; NaN on one side alone never is."""
        return self.worst <= (self.tolerance if self.accepted is None else self.accepted)

    @property
    def within(self) -> str:
        """The tolerance in words."""
        return f"{self.tolerance:g}{' of the score' if self.relative else ''}"

    def as_card(self) -> dict[str, Any]:
        """The card's `parity`: the figures, without the rows."""
        return {
            "rows": self.rows,
            "rowsOff": self.rows_off,
            "worst": self.worst,
            "flips": self.flips,
            "cutoff": self.cutoff,
            "tolerance": self.tolerance,
            "relative": self.relative,
            "accepted": self.accepted,
            "rounding": {
                "rowsOff": self.rounding.rows_off,
                "worst": self.rounding.worst,
                "flips": self.rounding.flips,
            },
        }


def compare(
    scores: Mapping[str, np.ndarray],
    *,
    index: int,
    cutoff: float | None,
    accepted: float | None,
    relative: bool = False,
) -> Parity:
    """Judge `converted` against `rounded` (the pipeline on float32 inputs), and that against `original`.

    Each is [rows, classes]; every class counts for the size, class `index` for what is shown and for the flips.
    `relative`: the scores are a regressor's, and of those above 1 a difference is the share.
    """
    original, rounded, converted = (scores[name] for name in ("original", "rounded", "converted"))
    size = row_differences(rounded, converted, relative=relative)
    flipped = _flipped(rounded[:, index], converted[:, index], cutoff)
    rounding_size = row_differences(original, rounded, relative=relative)
    rounding_flips = _flipped(original[:, index], rounded[:, index], cutoff)
    flips_first = np.lexsort((-size, ~flipped))[:_SHOWN]
    return Parity(
        rows=len(size),
        rows_off=int((size > DEFAULT_TOLERANCE).sum()),
        worst=float(size.max()),
        flips=int(flipped.sum()),
        cutoff=cutoff,
        tolerance=DEFAULT_TOLERANCE,
        relative=relative,
        accepted=accepted,
        rounding=Rounding(
            int((rounding_size > DEFAULT_TOLERANCE).sum()), float(rounding_size.max()), int(rounding_flips.sum())
        ),
        differences=tuple(
            Difference(int(row), float(rounded[row, index]), float(converted[row, index]), bool(flipped[row]))
            for row in flips_first
            if size[row] > DEFAULT_TOLERANCE
        ),
    )


def in_batches(
    score: Callable[[slice], np.ndarray], rows: int, *, doing: str, progress: Progress = silent
) -> np.ndarray:
    """`score` over all rows, a batch at a time, so that long work shows where it is."""
    parts = []
    for start in range(0, rows, _BATCH):
        progress(doing, start, rows)
        parts.append(score(slice(start, min(start + _BATCH, rows))))
    progress(doing, rows, rows)
    return np.concatenate(parts)


def row_differences(left: np.ndarray, right: np.ndarray, *, relative: bool) -> np.ndarray:
    """The largest difference in each row; infinite where only one side has a number."""
    both_missing = np.isnan(left) & np.isnan(right)
    size = np.where(both_missing, 0.0, np.abs(left.astype(np.float64) - right.astype(np.float64)))
    if relative:
        size = size / np.maximum(1.0, np.abs(left))
    largest: np.ndarray = np.where(np.isnan(size), np.inf, size).max(axis=1)
    return largest


def _flipped(left: np.ndarray, right: np.ndarray, cutoff: float | None) -> np.ndarray:
    if cutoff is None:
        return np.zeros(len(left), bool)
    flipped: np.ndarray = (left >= cutoff) != (right >= cutoff)
    return flipped
