"""What must hold for any bytes: at the network edge and in the codec. Called by the fuzzer and by the corpus' replay.

A target takes bytes and returns, or raises: an AssertionError where a promise is broken, anything else where code is.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bankmodel_serving.codec import DecodeLimits, Decoder, Inference
from bankmodel_serving.codec.decode import decode_document, parse_json
from bankmodel_serving.errors import BadRequest
from bankmodel_serving.protocol import Continue, Event, Refusal, Request, RequestReader
from bankmodel_serving.tensors import KINDS, Schema, TensorSpec, schema_of
from support.raw_requests import LIMITS

__all__ = ["TARGETS"]

_BY_NAME = {kind.datatype: kind for kind in KINDS}
_HEADERS_TOO_LARGE = 431
_DECODE = DecodeLimits(max_rows=20, max_depth=8, max_string=200)


def edge(data: bytes) -> None:
    """The first byte says how the rest is cut: the events are the same as uncut, and none follows a refusal."""
    if not data:
        return
    step, rest = 1 + data[0] % 64, data[1:]
    whole = _events(rest, max(1, len(rest)))
    pieces = _events(rest, step)
    # Spaces around a value are counted only while they arrive, so this one limit may be met in pieces alone.
    if pieces[-1:] == [_HEADERS_TOO_LARGE] and whole[-1:] != [_HEADERS_TOO_LARGE]:
        pieces = pieces[:-1]
        whole = whole[: len(pieces)]

    assert whole == pieces, (whole, pieces)
    assert all(type(event) is not int for event in whole[:-1]), whole


def _events(data: bytes, step: int) -> list[object]:
    reader = RequestReader(LIMITS)
    return [_shown(event) for at in range(0, len(data), step) for event in reader.feed(data[at : at + step])]


def _shown(event: Event) -> object:
    match event:
        case Request():
            assert len(event.body) <= LIMITS.max_body_bytes
            return (event.method, event.path, event.body, event.keeps_alive, dict(event.headers))
        case Continue():
            return "continue"
        case Refusal():
            return event.error.status


def _schema(*columns: tuple[str, str, int]) -> Schema:
    specs = [TensorSpec(name, _BY_NAME[datatype], (None, width)) for name, datatype, width in columns]
    return schema_of(specs, (TensorSpec("y", _BY_NAME["FP32"], (None, 1)),), None)


_SCHEMAS = (
    _schema(("x", "FP32", 2)),
    _schema(("n", "INT64", 1), ("s", "BYTES", 1), ("f", "FP64", 1), ("b", "BOOL", 1)),
)


def codec(data: bytes) -> None:
    """A body is read as Python's json reads it, or refused with BadRequest; and the fast and the general path agree."""
    for schema in _SCHEMAS:
        decoder = Decoder(schema, _DECODE)  # a new one, so that nothing it has learned of others decides
        found, again = _outcome(decoder.decode, data), _outcome(decoder.decode, data)

        assert found == again
        if isinstance(found, str):
            continue
        assert found == _outcome(_decode_generally, data, schema)
        _compare_with_json(schema, decoder.decode(data), data)


def _decode_generally(data: bytes, schema: Schema) -> Inference:
    return decode_document(schema, parse_json(data), _DECODE)


def _outcome(decode: Callable[..., Inference], *arguments: object) -> object:
    try:
        found = decode(*arguments)
    except BadRequest as error:
        return str(error)
    columns = [_bits(column) for column in found.columns]
    return (found.id, found.rows, found.selection, found.absent, found.undeclared, columns)


def _bits(column: "np.ndarray[Any, Any]") -> object:
    values = column.tolist() if column.dtype == object else column.tobytes()
    return (column.dtype.str, column.shape, values)


def _compare_with_json(schema: Schema, found: Inference, data: bytes) -> None:
    """An oracle of its own: accepted means unambiguous JSON, and each value is the one that stands there."""
    document = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse)
    sent: Mapping[str, Any] = {tensor["name"]: tensor for tensor in document["inputs"]}
    for spec, column in zip(schema.inputs, found.columns, strict=True):
        tensor = sent[spec.name]
        values = list(_flat(tensor["data"]))

        assert list(column.shape) == tensor["shape"]
        assert found.rows == column.shape[0] <= _DECODE.max_rows
        for value, read in zip(values, column.reshape(-1), strict=True):
            if value is None:
                assert np.isnan(read)
            elif spec.kind.family == "string":
                assert read == value
            else:
                with np.errstate(over="ignore"):
                    assert spec.kind.dtype.type(value).tobytes() == read.tobytes(), (value, read)


def _flat(data: Any) -> Any:
    for item in data:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)

    assert len(found) == len(pairs), "a key is there twice"
    return found


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


TARGETS: Mapping[str, Callable[[bytes], None]] = {"edge": edge, "codec": codec}
