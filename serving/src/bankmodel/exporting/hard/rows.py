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
_EXTREME_VALUES = 0.5
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
    """`rows` rows of `frame` with about half of their values replaced by hard ones; columns in `may_miss` by none, too.

    Each hard value is in some row, as far as there are rows enough.
    """
    random = np.random.default_rng(_SEED)
    base = frame.iloc[random.integers(len(frame), size=rows)]
    is_extreme = random.random(rows) < _EXTREME_ROWS
    made = {}
    for column in columns:
        is_text = column.kind == "text"
        values = base[column.name].astype(object if is_text else column.dtype).to_numpy(copy=True)
        kinds = random.random((3, rows))
        replaced = kinds[0] < _REPLACED
        missing = replaced & (kinds[1] < _MISSING) if column.name in may_miss else np.zeros(rows, bool)
        odd = (kinds[2] < _UNKNOWN_WORDS) if is_text else is_extreme & (kinds[2] < _EXTREME_VALUES)
        _fill(random, values, replaced & ~missing & ~odd, pools[column.name].near)
        _fill(random, values, replaced & ~missing & odd, pools[column.name].odd)
        values[missing] = np.nan
        made[column.name] = values
    return HardRows(pd.DataFrame(made), is_extreme)


def _fill(random: np.random.Generator, values: np.ndarray, where: np.ndarray, pool: np.ndarray) -> None:
    """Put the pool's values there, in any order, each about as often as the others."""
    if len(pool):
        values[where] = random.permutation(np.resize(pool, int(where.sum())))
