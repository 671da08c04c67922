"""What the stepped features of a column add up to: a number between two cuts, found by asking the fitted steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bankmodel.exporting.additive.features import Feature, Stepped
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.floats import around, float_at, highest, lowest
from bankmodel.exporting.trees.oracle import Oracle

__all__ = ["Levels", "levels_of"]

_DOUBLE = np.dtype(np.float64)
_BESIDE = 2
"""Floats asked about on both sides of a mark: a bin may begin at the mark or behind it."""


@dataclass(frozen=True)
class Levels:
    """Row i of `values` [levels, sums] holds from above cut i - 1 up to and with cut i; `missing` for a missing one,
    without which it is like any other or the pipeline refuses it.

    A text column's cuts are told in the codes of its `words`: 0 is any other word, the last code the missing one.
    """

    column: int
    cuts: tuple[float, ...]
    values: np.ndarray
    missing: np.ndarray | None
    words: tuple[str, ...] | None = None

    def raised(self, by: np.ndarray) -> "Levels":
        """The same, with more added to every sum."""
        return replace(self, values=self.values + by, missing=None if self.missing is None else self.missing + by)


def levels_of(oracle: Oracle[Feature], coefficients: np.ndarray, words: Mapping[int, tuple[str, ...]]) -> list[Levels]:
    """For each column that has stepped features; `coefficients` [sums, features] weigh them.

    `words` gives columns whose words have codes already, in their order.
    """
    features: dict[int, list[int]] = {}
    for place, feature in enumerate(oracle.sources):
        if isinstance(feature, Stepped):
            features.setdefault(feature.column, []).append(place)
    probes = {column: _probes(oracle, column, places) for column, places in features.items()}
    asked = {place: probes[column] for column, places in features.items() for place in places}
    answers = oracle.values(asked)
    found = []
    for column, places in features.items():
        sums, missing = _weighed(oracle, places, coefficients, answers)
        if oracle.columns[column].kind == "text":
            found.append(_text(column, sums, missing, probes[column][1:].tolist(), words.get(column)))
        else:
            found.append(_numbers(oracle.columns[column].name, column, sums, missing, probes[column]))
    return found


def _marks(oracle: Oracle[Feature], places: Iterable[int]) -> list[object]:
    found = (feature for place in places if isinstance(feature := oracle.sources[place], Stepped))
    return list(dict.fromkeys(mark for feature in found for mark in feature.marks))


def _probes(oracle: Oracle[Feature], column: int, places: Sequence[int]) -> np.ndarray:
    """Of text: a word that none knows, then the known ones. Of numbers: the floats on and beside every mark, in order."""
    marks = _marks(oracle, places)
    if oracle.columns[column].kind == "text":
        if not all(isinstance(mark, str) for mark in marks):
            raise NotFoldable(
                f"column {oracle.columns[column].name!r} mixes text with other values", "make all of it text"
            )
        return np.array([_unheard(marks), *marks], object)
    ends = [lowest(_DOUBLE) // 2, highest(_DOUBLE) // 2]
    ranks = np.unique([*ends, *around(np.array(marks, _DOUBLE), _DOUBLE, _BESIDE).tolist()])
    return float_at(ranks, _DOUBLE)


def _unheard(words: Sequence[object]) -> str:
    word = "?"
    while word in words:
        word += "?"
    return word


def _weighed(
    oracle: Oracle[Feature], places: Sequence[int], coefficients: np.ndarray, answers: Mapping[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The sums [probes, sums], and those of a missing value, where the pipeline takes one."""
    made = np.stack([answers[place] for place in places], axis=1)
    if not np.isfinite(made).all():
        raise NotFoldable("a step makes no number of a value that it takes")
    column = oracle.sources[places[0]].column
    missing = oracle.missing(column)
    weights = coefficients[:, places].T
    blank = None if missing is None or not np.isfinite(missing[places]).all() else missing[places] @ weights
    return made @ weights, blank


def _numbers(name: str, column: int, sums: np.ndarray, missing: np.ndarray | None, probes: np.ndarray) -> Levels:
    changes = np.flatnonzero((sums[1:] != sums[:-1]).any(axis=1))
    if (np.nextafter(probes[changes], np.inf) != probes[changes + 1]).any():
        raise NotFoldable(f"what is made of column {name!r} changes between its bins")
    if missing is not None and not len(changes) and (missing == sums[0]).all():
        missing = None
    return Levels(column, tuple(probes[changes].tolist()), sums[[*changes, len(sums) - 1]], missing)


def _text(
    column: int, sums: np.ndarray, missing: np.ndarray | None, known: list[str], coded: tuple[str, ...] | None
) -> Levels:
    """`sums` of any other word and of the `known` ones, which keep the order in which they are `coded`.

    Else words of the same sums get neighbouring codes, so that the fewest cuts tell them apart.
    """
    places = np.lexsort(sums[1:].T).tolist() if coded is None else [known.index(word) for word in coded]
    by_code = np.vstack([sums[[0, *(1 + place for place in places)]], sums[:1] if missing is None else missing[None]])
    changes = np.flatnonzero((by_code[1:] != by_code[:-1]).any(axis=1))
    words = tuple(known[place] for place in places)
    cuts = tuple(changes.astype(float).tolist())
    return Levels(column, cuts, by_code[[*changes, len(by_code) - 1]], None, words)
