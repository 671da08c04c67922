"""Columns that are looked up rather than measured: words get codes, and a tree asks for codes. Pure but for the oracle.

Code 0 is any other word, then come the known ones, then the token that stands for a missing one. Numbers that an encoder
takes for names are asked for as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.oracle import Oracle
from bankmodel.exporting.trees.sources import Source
from bankmodel.exporting.trees.unfold import Ask, Mode, Plan

__all__ = ["Lookup", "lookups_of", "plan_of"]


@dataclass(frozen=True)
class Lookup:
    """The values that the features of a column tell apart; `keys` as the caller sends them, without other and missing."""

    column: int
    keys: tuple[Any, ...]
    is_text: bool

    def probes(self, dtype: np.dtype) -> np.ndarray:
        """What the steps are asked about: a value that none knows, then the keys."""
        if self.is_text:
            return np.array([_unheard(self.keys), *self.keys], object)
        return np.array([2 * max((abs(key) for key in self.keys), default=0) + 1, *self.keys], dtype)


def lookups_of(oracle: Oracle[Source], features: Sequence[int]) -> dict[int, Lookup]:
    """The lookup of each of the columns that these features come from."""
    keys: dict[int, dict[Any, None]] = {}
    for feature in features:
        source = oracle.sources[feature]
        keys.setdefault(source.column, {}).update(dict.fromkeys(source.keys or ()))
    return {column: _lookup(oracle, column, tuple(found)) for column, found in keys.items()}


def plan_of(lookup: Lookup, answers: np.ndarray, missing: bool) -> Plan:
    """One node's question: `answers` for any other value and for each key, `missing` for a missing one."""
    if (answers == missing).all():
        return Plan((), (missing,))
    if lookup.is_text:
        return _of_codes(lookup.column, np.array([*answers, missing]))
    return _of_numbers(lookup, answers, missing)


def _lookup(oracle: Oracle[Source], column: int, keys: tuple[Any, ...]) -> Lookup:
    is_text = oracle.columns[column].kind == "text"
    if is_text and not all(isinstance(key, str) for key in keys):
        raise NotFoldable(f"column {oracle.columns[column].name!r} mixes text with other values", "make all of it text")
    if not is_text:  # as the caller's type has them; two that become one there are one
        keys = tuple(np.unique(np.array(keys).astype(oracle.dtype)).tolist())
    return Lookup(column, keys, is_text)


def _of_codes(column: int, answers: np.ndarray) -> Plan:
    changes = np.flatnonzero(answers[1:] != answers[:-1])
    if len(changes) == 1:
        return Plan((Ask(column, Mode.AT_MOST, float(changes[0])),), (bool(answers[0]), not answers[0]))
    for answer in (True, False):
        if (answers == answer).sum() == 1:
            code = float(np.flatnonzero(answers == answer)[0])
            return Plan((Ask(column, Mode.EQUALS, code),), (answer, not answer))
    apart = np.flatnonzero(answers != answers[0])  # never code 0: onnx.reference reads no member after a zero
    return Plan((Ask(column, Mode.IN_SET, members=tuple(map(float, apart))),), (not answers[0], bool(answers[0])))


def _of_numbers(lookup: Lookup, answers: np.ndarray, missing: bool) -> Plan:
    other = bool(answers[0])
    apart = tuple(float(key) for key, answer in zip(lookup.keys, answers[1:], strict=True) if answer != other)
    if not apart:  # all numbers alike, and a missing one otherwise
        return Plan((Ask(lookup.column, Mode.AT_MOST, np.inf),), (other, missing))
    takes_missing = missing != other
    if len(apart) == 1:
        ask = Ask(lookup.column, Mode.EQUALS, apart[0], missing_true=takes_missing)
    else:
        ask = Ask(lookup.column, Mode.IN_SET, members=apart, missing_true=takes_missing)
    return Plan((ask,), (not other, other))


def _unheard(keys: tuple[Any, ...]) -> str:
    word = "?"
    while word in keys:
        word += "?"
    return word
