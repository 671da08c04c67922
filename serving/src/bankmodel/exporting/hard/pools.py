"""What is hard in a column: the values to be put into rows. Pure.

Extreme is zero and a thousand times the largest of the sample: many steps refuse infinity, which larger ones become there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bankmodel.exporting.schema import Column

__all__ = ["UNKNOWN_WORDS", "Pool", "pools_of"]

UNKNOWN_WORDS = ("never seen in training", "")

_MOST_NUMBERS = 5_000
_MOST_WORDS = 2_000


@dataclass(frozen=True)
class Pool:
    """A column's hard values. Numbers: `near` are thresholds and their neighbours in rising order, `odd` extremes.

    Words: `near` are those of the sample, `odd` are words that no sample has.
    """

    near: np.ndarray
    odd: np.ndarray

    def __len__(self) -> int:
        return len(self.near) + len(self.odd)


def pools_of(frame: pd.DataFrame, columns: Sequence[Column], thresholds: Mapping[str, np.ndarray]) -> dict[str, Pool]:
    """The pool of each column; where no thresholds are known, the sample's values and the middles between them stand in."""
    return {
        column.name: _words(frame[column.name])
        if column.kind == "text"
        else _numbers(frame[column.name], thresholds.get(column.name), column.dtype)
        for column in columns
    }


def _numbers(values: pd.Series, thresholds: np.ndarray | None, dtype: np.dtype) -> Pool:
    with np.errstate(over="ignore"):
        met = np.unique(values.dropna().astype(dtype).to_numpy().astype(np.float64))
        met = met[np.isfinite(met)]
        if not len(met):
            return Pool(np.array([], dtype), np.array([0.0], dtype))
        some = _some(met, _MOST_NUMBERS // 2)
        asked = (
            np.concatenate([some, (some[:-1] + some[1:]) / 2])
            if thresholds is None
            else _some(thresholds, _MOST_NUMBERS)
        )
        exact: np.ndarray = np.concatenate([asked, met[[0, -1]]]).astype(dtype)
        beside = [np.nextafter(exact, np.array(end, dtype)) for end in (-np.inf, np.inf)]
        odd = np.array([0.0, 1_000 * met[-1], *([1_000 * met[0]] if met[0] < 0 else [])]).astype(dtype)
    return Pool(_finite(np.concatenate([exact, *beside])), _finite(odd))


def _words(values: pd.Series) -> Pool:
    words = sorted(values.dropna().unique(), key=str)
    if not all(
        isinstance(word, str) for word in words
    ):  # such a column is given as it is: no word stands among numbers
        return Pool(np.array(words, object), np.array([], object))
    return Pool(
        _some(np.array(words, object), _MOST_WORDS),
        np.array([word for word in UNKNOWN_WORDS if word not in words], object),
    )


def _some(values: np.ndarray, most: int) -> np.ndarray:
    """At most so many, at even distances, the first and the last among them."""
    return values if len(values) <= most else values[np.linspace(0, len(values) - 1, most).round().astype(int)]


def _finite(values: np.ndarray) -> np.ndarray:
    return np.unique(values[np.isfinite(values)])
