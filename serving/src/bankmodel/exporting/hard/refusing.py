"""Score hard rows with the pipeline, which may refuse some: what it refuses is left out and counted, not an error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bankmodel.exporting.hard.pools import Pool
from bankmodel.exporting.schema import Column
from bankmodel.progress import Progress, silent

__all__ = ["Score", "Scored", "accepted_pools", "scored"]

Score = Callable[[pd.DataFrame], np.ndarray | None]
"""The pipeline's scores as [rows, classes]; None where it refuses one of the rows."""

_BATCH = 10_000
_REFUSALS = 400
"""So many refusals are taken apart to find the very row; after them a batch that is refused is left out whole."""


@dataclass(frozen=True)
class Scored:
    """The numbers of the rows that the pipeline scored, and its scores."""

    rows: np.ndarray
    scores: np.ndarray


def accepted_pools(
    score: Score, row: pd.DataFrame, columns: Sequence[Column], pools: Mapping[str, Pool]
) -> tuple[dict[str, Pool], dict[str, str]]:
    """The pools without the values that the pipeline refuses in `row`, which is one that it takes; and what those are,
    in words, by column.
    """
    kept = dict(pools)
    refused: dict[str, str] = {}
    if score(_all_at_once(row, columns, pools)) is not None:
        return kept, refused
    for column in columns:
        asking = _Asking(score, row, column)
        pool = pools[column.name]
        kept[column.name] = asking.narrowed(pool)
        gone = len(pool) - len(kept[column.name])
        if gone:
            refused[column.name] = f"{gone:,} of {len(pool):,}: {asking.told(kept[column.name])}"
    return kept, refused


def _all_at_once(row: pd.DataFrame, columns: Sequence[Column], pools: Mapping[str, Pool]) -> pd.DataFrame:
    """The row again and again, each time with another value in each column: mostly all are taken, and it is asked once."""
    rows = max(1, *(len(pool) for pool in pools.values()))
    made = {}
    for column in columns:
        kind = object if column.kind == "text" else column.dtype
        values = np.concatenate([pools[column.name].near, pools[column.name].odd]).astype(kind)
        padding = np.full(rows - len(values), row[column.name].iloc[0], kind)
        made[column.name] = np.concatenate([values, padding])
    return pd.DataFrame(made)


def scored(score: Score, frame: pd.DataFrame, *, doing: str, progress: Progress = silent) -> Scored:
    """The pipeline's scores of all rows that it takes."""
    rows, scores, refusals = [], [], 0
    for start in range(0, len(frame), _BATCH):
        progress(doing, start, len(frame))
        waiting = [np.arange(start, min(start + _BATCH, len(frame)))]
        while waiting:
            piece = waiting.pop()
            found = score(frame.iloc[piece])
            if found is not None:
                rows.append(piece)
                scores.append(found)
                continue
            refusals += 1
            if len(piece) > 1 and refusals < _REFUSALS:
                waiting += [piece[len(piece) // 2 :], piece[: len(piece) // 2]]
    progress(doing, len(frame), len(frame))
    if not rows:
        return Scored(np.array([], np.int64), np.empty((0, 1)))
    return Scored(np.concatenate(rows), np.concatenate(scores))


@dataclass(frozen=True)
class _Asking:
    """Puts values of one column into a row that the pipeline takes."""

    score: Score
    row: pd.DataFrame
    column: Column

    def narrowed(self, pool: Pool) -> Pool:
        """The values that are taken: of numbers those around one of the sample, as far as all are taken."""
        odd = pool.odd if self._takes(pool.odd) else np.array([each for each in pool.odd if self._takes([each])])
        near = pool.near
        if not self._takes(near):
            near = near[self._span(near)] if self.column.kind == "number" else near[:0]
        return replace(pool, near=near, odd=odd.astype(pool.odd.dtype))

    def told(self, left: Pool) -> str:
        """What is gone where this is left, in words."""
        if self.column.kind == "text":
            return "words it was not fitted with" if len(left.near) else "any other word in place of one"
        numbers = [*left.near, *left.odd]
        return f"numbers beyond {min(numbers):g} … {max(numbers):g}" if numbers else "any other number in place of one"

    def _takes(self, values: Sequence[object] | np.ndarray) -> bool:
        if not len(values):
            return True
        name = self.column.name
        rows = self.row.iloc[np.zeros(len(values), int)].reset_index(drop=True)
        kind = object if self.column.kind == "text" else self.column.dtype
        return self.score(rows.assign(**{name: pd.Series(np.asarray(values, kind))})) is not None

    def _span(self, near: np.ndarray) -> slice:
        """Refusals begin somewhere below and above a number that is taken: both places by bisection."""
        known = self.row[self.column.name].astype(self.column.dtype).to_numpy()[0]
        middle = min(int(np.searchsorted(near, known)), len(near) - 1)
        if np.isnan(known) or not self._takes(near[middle : middle + 1]):
            return slice(0, 0)
        low = _last(lambda count: self._takes(near[middle - count : middle + 1]), middle)
        high = _last(lambda count: self._takes(near[middle : middle + count + 1]), len(near) - 1 - middle)
        return slice(middle - low, middle + high + 1)


def _last(holds: Callable[[int], bool], most: int) -> int:
    """The largest count up to `most` for which it holds; it does for 0, and for all below one for which it does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
