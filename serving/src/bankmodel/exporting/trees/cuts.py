"""Where on the line of a column's floats the answer to `feature <= threshold` changes: found by bisection, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.floats import around, float_at, highest, lowest
from bankmodel.exporting.trees.oracle import Oracle
from bankmodel.exporting.trees.sources import Source
from bankmodel.progress import Progress, silent

__all__ = ["Line", "Tests", "lines_of"]

_BISECTIONS = 70
_BESIDE = 8
"""Floats looked at on both sides of a boundary: a transform that is monotone on paper may round otherwise."""
_DOING = "moving thresholds to the columns"
_SPREAD = 2_000
"""Floats, and values of the sample, that are looked at where nobody but its author says that a step is monotone."""
_LANDMARKS = np.array([0.0, *(sign * 10.0**power for sign in (-1, 1) for power in range(-6, 13))])


@dataclass(frozen=True)
class Tests:
    """All different questions that the trees ask about one feature: is it at most this, and what if it is missing?"""

    threshold: np.ndarray
    missing_yes: np.ndarray

    def answers(self, which: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The answer of each test `which` to a value of its own."""
        found: np.ndarray = np.where(np.isnan(values), self.missing_yes[which], values <= self.threshold[which])
        return found


@dataclass(frozen=True)
class Line:
    """One test told in the column's own values: the first answer holds up to and with cuts[0], then they alternate."""

    cuts: tuple[float, ...]
    first: bool
    missing: bool


def lines_of(oracle: Oracle[Source], asked: Mapping[int, Tests], progress: Progress = silent) -> dict[int, list[Line]]:
    """For each feature its tests, in their order, told in the values of its column."""
    found = {feature: _Search(oracle, feature, tests) for feature, tests in asked.items()}
    grids = oracle.values({feature: search.grid for feature, search in found.items()})
    for feature, search in found.items():
        search.begin(grids[feature])
    rounds = 8 * oracle.dtype.itemsize + 1
    for number in range(_BISECTIONS):
        progress(_DOING, min(number, rounds), rounds)
        probes = {feature: search.middles() for feature, search in found.items() if not search.is_done}
        if not probes:
            break
        for feature, values in oracle.values(probes).items():
            found[feature].narrow(values)
    progress(_DOING, rounds, rounds)
    _look_beside(oracle, found)
    missing = {column: oracle.missing(column) for column in {search.column for search in found.values()}}
    return {feature: search.lines(missing[search.column]) for feature, search in found.items()}


class _Search:
    """The changes of one feature's tests, each between two ranks that close in on it."""

    def __init__(self, oracle: Oracle[Source], feature: int, tests: Tests) -> None:
        source = oracle.sources[feature]
        self.column = source.column
        self._feature, self._tests, self._dtype = feature, tests, oracle.dtype
        inner = around(np.array([*source.turns]), oracle.dtype)
        marks = around(_LANDMARKS, oracle.dtype, 0)
        ranks = np.unique([lowest(oracle.dtype), *inner, *marks, highest(oracle.dtype)])
        if source.declared:
            spread = np.linspace(lowest(oracle.dtype), highest(oracle.dtype), _SPREAD).astype(np.int64)
            ranks = np.union1d(
                ranks, np.union1d(spread, around(oracle.sample(source.column, _SPREAD), oracle.dtype, 0))
            )
        self._ranks = ranks[float_at(ranks, oracle.dtype) >= source.least]
        self._turns = around(np.array([*source.turns]), oracle.dtype, 0)
        self._declared = source.declared

    @property
    def grid(self) -> np.ndarray:
        return float_at(self._ranks, self._dtype)

    @property
    def is_done(self) -> bool:
        return not len(self._open)

    def begin(self, values: np.ndarray) -> None:
        """With the feature's values on the grid: between two neighbours of the grid an answer changes once or never."""
        tests = np.arange(len(self._tests.threshold))
        answers = np.stack([self._tests.answers(tests, np.full(len(tests), value)) for value in values], axis=1)
        self._first = answers[:, 0]
        self._which, place = np.nonzero(answers[:, 1:] != answers[:, :-1])
        self._low, self._high = self._ranks[place], self._ranks[place + 1]
        if self._declared:
            self._refuse_turning_back(self._declared)
        self._below = answers[self._which, place]
        self._open = np.flatnonzero(self._high - self._low > 1)

    def _refuse_turning_back(self, name: str) -> None:
        """Refuse what is declared monotone if an answer changes twice between the places where it may turn."""
        apart = ~np.isin(self._low, self._turns) & ~np.isin(self._high, self._turns)
        pieces = np.column_stack([self._which[apart], np.searchsorted(self._turns, self._low[apart])])
        if len(np.unique(pieces, axis=0)) < len(pieces):
            raise NotFoldable(
                f"{name} is declared monotone, and turns back at values that it does not name", "name them as turns"
            )

    def middles(self) -> np.ndarray:
        low, high = self._low[self._open], self._high[self._open]
        self._middle = (low >> 1) + (high >> 1) + (low & high & 1)  # (low + high) // 2 leaves 64 bits
        return float_at(self._middle, self._dtype)

    def narrow(self, values: np.ndarray) -> None:
        is_below = self._tests.answers(self._which[self._open], values) == self._below[self._open]
        self._low[self._open[is_below]] = self._middle[is_below]
        self._high[self._open[~is_below]] = self._middle[~is_below]
        self._open = np.flatnonzero(self._high - self._low > 1)

    def beside(self) -> np.ndarray:
        """The floats next to each change."""
        return float_at(self._ranks_beside().ravel(), self._dtype)

    def refuse_ragged(self, values: np.ndarray, name: str) -> None:
        """Refuse a feature that is monotone on paper, but not where a threshold is."""
        ranks = self._ranks_beside()
        answers = self._tests.answers(np.repeat(self._which, ranks.shape[1]), values).reshape(ranks.shape)
        if (answers != self._expected(ranks)).any():
            raise NotFoldable(
                f"what is made of column {name!r} is not monotone next to a threshold",
                "leave a scaler out: trees need none",
            )

    def _ranks_beside(self) -> np.ndarray:
        ranks: np.ndarray = self._low[:, None] + np.arange(1 - _BESIDE, _BESIDE + 1)
        inside: np.ndarray = np.clip(ranks, self._ranks[0], self._ranks[-1])
        return inside

    def _expected(self, ranks: np.ndarray) -> np.ndarray:
        """The answers at these ranks beside each change, by all changes of its test."""
        expected = self._below[:, None] ^ (ranks > self._low[:, None])
        counts = np.bincount(self._which, minlength=len(self._first))
        for place in np.flatnonzero(counts[self._which] > 1):
            changes = np.sort(self._low[self._which == self._which[place]])
            passed = np.searchsorted(changes, ranks[place])
            expected[place] = self._first[self._which[place]] ^ (passed % 2 == 1)
        return expected

    def lines(self, missing: np.ndarray | None) -> list[Line]:
        tests = np.arange(len(self._tests.threshold))
        value = np.full(len(tests), np.nan if missing is None else missing[self._feature])
        blank = self._tests.answers(tests, value)
        order = np.lexsort((self._low, self._which))
        cuts = float_at(self._low[order], self._dtype).astype(np.float64).tolist()
        starts = np.searchsorted(self._which[order], np.arange(len(tests) + 1)).tolist()
        return [
            Line(tuple(cuts[start:end]), first, absent)
            for start, end, first, absent in zip(
                starts[:-1], starts[1:], self._first.tolist(), blank.tolist(), strict=True
            )
        ]


def _look_beside(oracle: Oracle[Source], found: Mapping[int, _Search]) -> None:
    for feature, values in oracle.values({feature: search.beside() for feature, search in found.items()}).items():
        found[feature].refuse_ragged(values, oracle.columns[found[feature].column].name)
