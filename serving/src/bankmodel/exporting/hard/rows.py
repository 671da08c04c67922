"""Put hard values into rows of the sample, the same ones each time, so that the card and its digest can be repeated. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bankmodel.exporting.hard.pools import Pool
from bankmodel.exporting.schema import Column

__all__ = ["HardRows", "hard_rows"]

_SEED = 20_261_129
_REPLACED = 0.5
_MISSING = 0.125
_UNKNOWN_WORDS = 0.25
_EXTREME_ROWS = 0.125
"""Few, since an extreme value pushes the score of many a model to its end, where nothing else shows."""


@dataclass(frozen=True)
class HardRows:
    """The rows, numbers in the type that callers send; and which of them hold an extreme number."""

    frame: pd.DataFrame
    is_extreme: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)


def hard_rows(
    frame: pd.DataFrame, columns: Sequence[Column], pools: Mapping[str, Pool], *, may_miss: Collection[str], rows: int
) -> HardRows:
    """`rows` rows of `frame` with about half of their values replaced by hard ones; columns in `may_miss` by none, too."""
    random = np.random.default_rng(_SEED)
    base = frame.iloc[random.integers(len(frame), size=rows)]
    is_extreme = random.random(rows) < _EXTREME_ROWS
    made = {}
    for column in columns:
        odd = is_extreme & (random.random(rows) < _REPLACED)
        if column.kind == "text":
            odd = random.random(rows) < _UNKNOWN_WORDS
        drawn = _drawn(random, pools[column.name], odd, can_miss=column.name in may_miss)
        kept = base[column.name].astype(object if column.kind == "text" else column.dtype).to_numpy()
        made[column.name] = kept if drawn is None else np.where(random.random(rows) < _REPLACED, drawn, kept)
    return HardRows(pd.DataFrame(made), is_extreme)


def _drawn(random: np.random.Generator, pool: Pool, odd: np.ndarray, *, can_miss: bool) -> np.ndarray | None:
    """A hard value for each row; None where the column has none."""
    chosen = [random.choice(values, len(odd)) for values in (pool.near, pool.odd) if len(values)]
    if not chosen:
        return None
    drawn: np.ndarray = np.where(odd, chosen[-1], chosen[0])
    if can_miss:
        drawn[random.random(len(odd)) < _MISSING] = np.nan
    return drawn
