"""Does the ONNX file answer as the pipeline does? Compared row by row on the whole sample and on hard rows, on the same inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bankmodel.progress import Progress, silent

__all__ = [
    "DEFAULT_TOLERANCE",
    "Comparison",
    "Difference",
    "HardParity",
    "Parity",
    "compare",
    "comparison",
    "in_batches",
]

DEFAULT_TOLERANCE = 1e-5
"""Largest difference in score that is called equal: float32 arithmetic of both sides stays a hundred times below.

Of a regressor's score above 1 it is a share: an amount of 100,000 has float32 neighbours 0.008 apart.
"""

_SHOWN = 20
_BATCH = 2_000


@dataclass(frozen=True)
class Difference:
    """One row (counted from 0) that the ONNX file scores otherwise."""

    row: int
    original: float
    converted: float
    is_flip: bool


@dataclass(frozen=True)
class Comparison:
    """Two answers to the same rows. `rows_off` counts rows beyond the default tolerance; `worst` is infinite where only
    one side gives a number.
    """

    rows: int
    rows_off: int
    worst: float
    flips: int
    differences: tuple[Difference, ...]

    def as_card(self) -> dict[str, Any]:
        """The figures, without the rows; JSON has no infinity, so that an infinite `worst` is null."""
        worst = self.worst if np.isfinite(self.worst) else None
        return {"rows": self.rows, "rowsOff": self.rows_off, "worst": worst, "flips": self.flips}


@dataclass(frozen=True)
class Rounding:
    """What rounding the inputs to float32 changes in the pipeline alone, before any conversion."""

    rows_off: int
    worst: float
    flips: int


@dataclass(frozen=True)
class HardParity:
    """The comparison on rows made to hurt. `asked` were to be tried; `refused` tells by column which hard values the
    pipeline itself does not take, `rows_refused` counts rows that it refused all the same.
    """

    found: Comparison
    asked: int
    rows_refused: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)

    def as_card(self) -> dict[str, Any]:
        """The card's `parity.hard`."""
        left_out = {"rows": self.rows_refused, "values": dict(self.refused)}
        return self.found.as_card() | {"asked": self.asked, "leftOut": left_out}


@dataclass(frozen=True)
class Parity:
    """What the comparisons found: on the sample, in the pipeline alone, and on hard rows (None: they were not tried).

    `accepted` is the tolerance that the user took instead of the default one. With `relative`, differences are shares of
    scores above 1.
    """

    sample: Comparison
    cutoff: float | None
    accepted: float | None
    rounding: Rounding
    relative: bool = False
    hard: HardParity | None = None

    @property
    def tolerance(self) -> float:
        """The difference from which on a row counts as off; `accepted` changes what is written, not what is counted."""
        return DEFAULT_TOLERANCE

    @property
    def rows(self) -> int:
        """Of the sample."""
        return self.sample.rows

    @property
    def rows_off(self) -> int:
        """Of the sample, beyond the default tolerance."""
        return self.sample.rows_off

    @property
    def worst(self) -> float:
        """The sample's largest difference."""
        return self.sample.worst

    @property
    def flips(self) -> int:
        """Decisions on the sample that the file takes otherwise."""
        return self.sample.flips

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The sample's rows that differ most, flips first."""
        return self.sample.differences

    @property
    def within(self) -> str:
        """The tolerance in words."""
        return f"{self.tolerance:g}{' of the score' if self.relative else ''}"

    @property
    def is_met(self) -> bool:
        """Whether every row of the sample is within the tolerance that counts; NaN on one side alone never is."""
        return self._is_within(self.sample)

    @property
    def is_met_by_hard_rows(self) -> bool:
        """Whether every hard row is, as far as there are any."""
        return self.hard is None or self._is_within(self.hard.found)

    def as_card(self) -> dict[str, Any]:
        """The card's `parity`: the figures, without the rows; those of the sample are on its top level."""
        return self.sample.as_card() | {
            "cutoff": self.cutoff,
            "tolerance": self.tolerance,
            "relative": self.relative,
            "accepted": self.accepted,
            "rounding": {
                "rowsOff": self.rounding.rows_off,
                "worst": self.rounding.worst,
                "flips": self.rounding.flips,
            },
            "hard": None if self.hard is None else self.hard.as_card(),
        }

    def _is_within(self, found: Comparison) -> bool:
        return found.worst <= (self.tolerance if self.accepted is None else self.accepted)


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
    alone = comparison(original, rounded, index=index, cutoff=cutoff, relative=relative)
    return Parity(
        sample=comparison(rounded, converted, index=index, cutoff=cutoff, relative=relative),
        cutoff=cutoff,
        accepted=accepted,
        rounding=Rounding(alone.rows_off, alone.worst, alone.flips),
        relative=relative,
    )


def comparison(
    expected: np.ndarray, answered: np.ndarray, *, index: int, cutoff: float | None, relative: bool
) -> Comparison:
    """Both sides' scores of the same rows, [rows, classes]."""
    if not len(expected):
        return Comparison(0, 0, 0.0, 0, ())
    size = row_differences(expected, answered, relative)
    flipped = _flipped(expected[:, index], answered[:, index], cutoff)
    flips_first = np.lexsort((-size, ~flipped))[:_SHOWN]
    return Comparison(
        rows=len(size),
        rows_off=int((size > DEFAULT_TOLERANCE).sum()),
        worst=float(size.max()),
        flips=int(flipped.sum()),
        differences=tuple(
            Difference(int(row), float(expected[row, index]), float(answered[row, index]), bool(flipped[row]))
            for row in flips_first
            if size[row] > DEFAULT_TOLERANCE or flipped[row]
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


def row_differences(left: np.ndarray, right: np.ndarray, relative: bool) -> np.ndarray:
    """The largest difference in each row; infinite where only one side has a number."""
    with np.errstate(invalid="ignore"):
        same = (left == right) | (np.isnan(left) & np.isnan(right))
        size = np.abs(left.astype(np.float64) - right.astype(np.float64))
        scaled = size / np.maximum(1, np.abs(left)) if relative else size
    largest: np.ndarray = np.where(same, 0.0, np.where(np.isnan(scaled), np.inf, scaled)).max(axis=1)
    return largest


def _flipped(left: np.ndarray, right: np.ndarray, cutoff: float | None) -> np.ndarray:
    if cutoff is None:
        return np.zeros(len(left), bool)
    decided = left >= cutoff
    # A caller may read FP32 as it is or as a double; of a cutoff like 0.7 the two are not the same.
    flipped: np.ndarray = (decided != (right >= cutoff)) | (decided != (right.astype(np.float64) >= cutoff))
    return flipped
