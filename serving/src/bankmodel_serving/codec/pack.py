"""JSON values of one group of inputs to the bytes of its matrix; nothing where a value is not plainly right. Pure.

`struct` checks and converts in one go: it refuses what is no number or out of range, as the general path does. It takes
true for 1, though, so values with words in them get a closer look. 960 numbers: 8 µs, array('f') 14, numpy 18.
"""

import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

from bankmodel_serving.grouping import Group, Piece
from bankmodel_serving.tensors import InputSpec

__all__ = ["Packer"]

_CODES = {
    **{"FP16": "e", "FP32": "f", "FP64": "d"},
    **{
        "INT8": "b",
        "INT16": "h",
        "INT32": "i",
        "INT64": "q",
        "UINT8": "B",
        "UINT16": "H",
        "UINT32": "I",
        "UINT64": "Q",
    },
    **{"BOOL": "?", "BYTES": ""},
}
_PLAIN: dict[str, set[type]] = {"float": {float, int}, "integer": {int}, "bool": {bool}, "string": {str}}
Values = Sequence[list[Any]]


class Packer:
    """Packs the values of one group."""

    __slots__ = ("_code", "_family", "_plain", "_specs")

    def __init__(self, group: Group, inputs: Sequence[InputSpec]) -> None:
        self._specs = [inputs[position] for position in group.positions]
        self._code = _CODES[group.kind.datatype]
        self._family = group.kind.family
        self._plain = _PLAIN[self._family]

    def pack(self, texts: Sequence[bytes], values: Values) -> Piece | None:
        """The piece of one request. `texts` are the JSON texts of `values`, one per input."""
        if self._family == "string":
            return self._pack_text(values)
        text = texts[0] if len(texts) == 1 else b"".join(texts)
        has_words = b"u" in text or b"l" in text  # true, false, null
        flat = self._looked_at(values) if has_words or self._family == "bool" else _flat(values)
        if flat is None:
            return None
        try:
            return struct.pack(f"={len(flat)}{self._code}", *flat)  # "=" checks the range of floats, "@" does not
        except (struct.error, OverflowError):
            return None

    def _pack_text(self, values: Values) -> list[str] | None:
        flat = _flat(values)
        try:
            "".join(flat)  # refuses all but strings, faster than looking at each
        except TypeError:
            return self._looked_at(values)
        return flat

    def _looked_at(self, values: Values) -> list[Any] | None:
        flat = _flat(values)
        kinds = set(map(type, flat))
        if kinds <= self._plain:
            return flat
        if not kinds <= self._plain | {type(None)}:
            return None
        return self._filled(values)

    def _filled(self, values: Values) -> list[Any] | None:
        flat: list[Any] = []
        for spec, own in zip(self._specs, values, strict=True):
            if None in own and spec.on_missing == "Reject":
                return None
            flat += [spec.fill if value is None else value for value in own]
        return flat


def _flat(values: Values) -> list[Any]:
    return values[0] if len(values) == 1 else list(chain.from_iterable(values))
