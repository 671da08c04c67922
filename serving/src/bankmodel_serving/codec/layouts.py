"""The fast path: a caller lays out its requests the same way each time. Pure.

A *layout* is everything in a body but its id and its values: names, shapes, datatypes, order, the outputs asked for. Callers have
few different ones, so each is checked once, by the general path, and recognised by its bytes from then on; only the
values are parsed. 20 named columns of mixed types: 13 µs instead of 140 on the general path.

Why it can't read a body otherwise than the general path does:
- `"data":[` can't occur inside of a JSON string, whose quotes are escaped. A layout is learned only if the body has as many
  of these, and of `"data"` at all, as it has tensors: so each is the data of one tensor, in order.
- A value ends at the first `]`. If that one was inside of a string, the values joined as `[[…],[…]]` have fewer inner lists
  than the layout has tensors, since each of their `]` is needed to close one; that is checked.
- Values that are not plainly right (type, range, number, a null where it may not be) are left to the general path.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import orjson

from bankmodel_serving.codec.decode import Inference
from bankmodel_serving.codec.pack import Packer
from bankmodel_serving.grouping import Packed, Piece, groups_of
from bankmodel_serving.tensors import Schema

__all__ = ["LayoutReader"]

_COMPACT, _SPACED = b'"data":[', b'"data": ['
_ID = re.compile(rb'\{"id": ?"([ !#-\[\]-~]{1,256})"')  # printable ASCII but for quote and backslash
_MAX_LAYOUTS = 64
_MAX_LAYOUT_BYTES = 65_536
_Pick = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a known layout means: where each group's inputs are in the lists sent, and what the general path found.

    `fills` are the values of inputs that are left out, `template` is the request but for its id and its values.
    """

    lengths: list[int]
    fills: list[list[Any]]
    picks: list[_Pick]
    template: Inference


class LayoutReader:
    """Reads requests for one model whose layout is known; None means: not sure, ask the general path, then `learn`."""

    __slots__ = ("_groups", "_inputs", "_layouts", "_packers")

    def __init__(self, schema: Schema) -> None:
        self._inputs = schema.inputs
        self._groups = (groups_of(schema.inputs) or ()) if schema.has_rows else ()
        self._packers = [Packer(group, schema.inputs) for group in self._groups]
        self._layouts: dict[bytes, _Layout] = {}

    def read(self, body: bytes) -> Inference | None:
        """The request, if its layout is known and its values are plainly right."""
        if not self._layouts:
            return None
        request_id, heads, texts = _split(body)
        layout = self._layouts.get(b"\0".join(heads))  # NUL can't stand in JSON: the key says where the values were
        if layout is None:
            return None
        lists = _parse(texts)
        if lists is None or list(map(len, lists)) != layout.lengths:
            return None
        if layout.fills:
            lists += layout.fills
            texts += [b""] * len(layout.fills)
        pieces: list[Piece] = []
        for packer, pick in zip(self._packers, layout.picks, strict=True):
            piece = packer.pack(pick(texts), pick(lists))
            if piece is None:
                return None
            pieces.append(piece)
        found = layout.template
        packed = Packed(self._groups, pieces, found.rows)
        return Inference(request_id, packed, found.rows, found.selection, found.absent, found.undeclared, found.form)

    def learn(self, body: bytes, document: dict[str, Any], found: Inference) -> None:
        """Remember the layout of a body that the general path understood, if it is of the plain kind."""
        tensors = document["inputs"]
        request_id, heads, texts = _split(body)
        is_plain = (
            bool(self._groups)
            and request_id == found.id
            and body.count(b'"id"') == (request_id is not None)
            and body.count(b'"data"') == len(tensors)
            and sum(map(len, heads)) <= _MAX_LAYOUT_BYTES
        )
        lists = _parse(texts) if is_plain else None
        if lists is None or lists != [tensor.get("data") for tensor in tensors]:
            return
        if len(self._layouts) >= _MAX_LAYOUTS:
            self._layouts.clear()  # more layouts than honest callers have: start over rather than keep the first ones
        self._layouts[b"\0".join(heads)] = self._layout(tensors, list(map(len, lists)), found)

    def _layout(self, tensors: Sequence[dict[str, Any]], lengths: list[int], found: Inference) -> _Layout:
        at = {tensor["name"]: index for index, tensor in enumerate(tensors)}
        fills: list[list[Any]] = []
        for group in self._groups:
            for position in group.positions:
                spec = self._inputs[position]
                if spec.name not in at:
                    at[spec.name] = len(tensors) + len(fills)
                    fills.append([spec.fill] * (found.rows * group.values_per_row // len(group.positions)))
        picks = [_pick([at[self._inputs[position].name] for position in group.positions]) for group in self._groups]
        return _Layout(lengths, fills, picks, replace(found, id=None, content=()))


def _split(body: bytes) -> tuple[str | None, list[bytes], list[bytes]]:
    """The id at the very start, the bytes around the values, and the values' texts: from `"data":[` to the next `]`.

    The first value is cut off before more are looked for: the one matrix of a large request is not searched in vain.
    """
    mark = _COMPACT
    first, found, rest = body.partition(mark)
    if not found:
        mark = _SPACED
        first, found, rest = body.partition(mark)
    leading = _ID.match(first)
    heads, texts = [first if leading is None else first[leading.end() :]], []
    if found:
        text, _, rest = rest.partition(b"]")
        head, *pieces = rest.split(mark)
        texts.append(text)
        heads.append(head)
        for piece in pieces:
            text, _, head = piece.partition(b"]")
            texts.append(text)
            heads.append(head)
    return None if leading is None else leading[1].decode("ascii"), heads, texts


def _parse(texts: Sequence[bytes]) -> list[list[Any]] | None:
    text = b"],[".join(texts)
    if b"{" in text:
        return None  # an object among the values, or a string with a brace
    try:
        lists: list[list[Any]] = orjson.loads(b"[[%s]]" % text)
    except orjson.JSONDecodeError:
        return None
    return lists if len(lists) == len(texts) else None


def _pick(places: Sequence[int]) -> _Pick:
    if len(places) == 1:
        return lambda items: (items[places[0]],)
    return itemgetter(*places)
