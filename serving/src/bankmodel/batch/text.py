"""Words of a CSV file as the numbers and truths they stand for. What is none is refused with its row; null stays null.

Arrow converts a whole column at once, or not at all. A column with a word it does not take is read again, word by word.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankmodel.batch.refusals import Refusals
from bankmodel_serving.tensors import Kind

__all__ = ["parse_words"]

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_LONGEST_WHOLE = 40  # no integer type needs more; Python refuses to read thousands of digits
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
EXPECTED = {"float": "a number", "integer": "a whole number", "bool": "true or false"}


def parse_words(kind: Kind, name: str, words: pa.Array, refusals: Refusals) -> pa.Array:
    """The column as floats, integers or booleans; a refused row holds null."""
    target = {"float": pa.float64(), "bool": pa.bool_()}.get(kind.family) or pa.from_numpy_dtype(kind.dtype)
    if not _looks_hexadecimal(kind, words):
        try:
            return pc.cast(words, target)
        except pa.ArrowInvalid:
            pass
    read = _READERS[kind.family]
    found = [_parse(kind, name, word, at, read=read, refusals=refusals) for at, word in enumerate(words.to_pylist())]
    return pa.array(found, type=target)


def _looks_hexadecimal(kind: Kind, words: pa.Array) -> bool:
    # Arrow takes 0x10 for 16, which no JSON number is.
    return kind.family == "integer" and bool(pc.any(pc.match_substring(words, "x", ignore_case=True)).as_py())


def _parse(kind: Kind, name: str, word: str | None, at: int, *, read: Callable[[str], Any], refusals: Refusals) -> Any:
    if word is None:
        return None
    value = read(word.strip())
    if value is None:
        refusals.add(at, f"column {name}: must be {EXPECTED[kind.family]} ({kind.datatype}), got {word[:60]!r}")
        return None
    if kind.family == "integer" and not (limits := np.iinfo(kind.dtype)).min <= value <= limits.max:
        refusals.add(at, f"column {name}: {value} is outside of {kind.datatype} ({limits.min} to {limits.max})")
        return None
    return value


def _float(word: str) -> float | None:
    return float(word) if _DECIMAL.fullmatch(word) else None


def _integer(word: str) -> int | None:
    return int(word) if len(word) <= _LONGEST_WHOLE and _WHOLE.fullmatch(word) else None


def _truth(word: str) -> bool | None:
    return _TRUTHS.get(word.lower())


_READERS: dict[str, Callable[[str], Any]] = {"float": _float, "integer": _integer, "bool": _truth}
