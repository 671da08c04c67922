"""Tensors as bytes behind the JSON: the protocol's binary tensor extension, and gRPC's raw contents. Pure.

Little-endian, row by row, nothing between the values; a BOOL is one byte, a BYTES value its length in 4 bytes and then
itself. The same values give the same arrays as they do in JSON: NaN is a missing value, an infinity is refused.
"""

from collections.abc import Iterable, Mapping
from math import prod
from struct import Struct
from typing import Any

import numpy as np

from bankmodel_serving.errors import BadRequest
from bankmodel_serving.tensors import Array, InputSpec

__all__ = ["cut_tail", "raw_from_array", "raw_to_array", "settle_floats", "split_body"]

_LENGTH = Struct("<I")
_SIZE = "binary_data_size"
Tail = memoryview


def split_body(body: bytes, header_length: bytes) -> tuple[bytes, Tail]:
    """The JSON and what follows it; `header_length` is the header Inference-Header-Content-Length as it came."""
    if not header_length.isdigit() or len(header_length) > 15 or int(header_length) > len(body):
        got = header_length[:40].decode("latin-1")
        raise BadRequest(
            f"header inference-header-content-length must be the length of the JSON in bytes, "
            f"0 to {len(body)} for this body, got {got}"
        )
    length = int(header_length)
    return body[:length], memoryview(body)[length:]


def cut_tail(inputs: Iterable[Mapping[str, Any]], tail: Tail | None) -> dict[str, Tail]:
    """The bytes of each input that has some, by name. All of `tail` must belong to somebody."""
    found: dict[str, Tail] = {}
    at = 0
    for tensor in inputs:
        size = _size_of(tensor)
        if size is None:
            continue
        name = tensor["name"]
        if tail is None:
            raise BadRequest(
                f"input {name[:60]} has {_SIZE}, but header inference-header-content-length is missing; "
                "it must say where the JSON ends"
            )
        if size > len(tail) - at:
            raise BadRequest(
                f"input {name[:60]}: {_SIZE} is {size}, but only {len(tail) - at} bytes are left behind the JSON"
            )
        found[name] = tail[at : at + size]
        at += size
    if tail is not None and at != len(tail):
        raise BadRequest(f"{len(tail) - at} bytes behind the JSON belong to no input; each needs its {_SIZE}")
    return found


def _size_of(tensor: Mapping[str, Any]) -> int | None:
    parameters = tensor.get("parameters")
    size = parameters.get(_SIZE) if type(parameters) is dict else None
    if size is None:
        return None
    name = tensor["name"][:60]
    if type(size) is not int or size < 0:
        raise BadRequest(f"input {name}: {_SIZE} must be a whole number of 0 or more, got {str(size)[:40]}")
    if "data" in tensor:
        raise BadRequest(f"input {name} has data and {_SIZE}; send one of them")
    return size


def raw_to_array(spec: InputSpec, shape: tuple[int, ...], raw: Tail) -> Array:
    """These bytes as an array of `shape` of its own; raises BadRequest naming the input, expectation and what came."""
    if spec.kind.family == "string":
        return _to_strings(spec, shape, raw)
    dtype = spec.kind.dtype
    expected = prod(shape) * dtype.itemsize
    if len(raw) != expected:
        raise BadRequest(
            f"input {spec.name}: shape {list(shape)} of {spec.kind.datatype} needs {expected} bytes, got {len(raw)}"
        )
    if spec.kind.family == "bool":
        return _to_bools(spec, raw).reshape(shape)
    # A copy: the bytes may start at any address, and the body must not stay alive for a slice of it.
    array = np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)
    if spec.kind.family == "float":
        settle_floats(spec, array)
    return array.reshape(shape)


def _to_bools(spec: InputSpec, raw: Tail) -> Array:
    values = np.frombuffer(raw, np.uint8)
    if values.size and values.max() > 1:
        where = int(np.argmax(values > 1))
        raise BadRequest(f"input {spec.name}: value {where} is byte {values[where]}, a BOOL is 0 or 1")
    return values.astype(np.bool_)


def settle_floats(spec: InputSpec, array: Array) -> None:
    """Refuse infinities; make every NaN the one that JSON's null gives, or refuse it where the card says so."""
    if np.isfinite(array).all():
        return
    infinite = np.isinf(array)
    if infinite.any():
        where = int(np.argmax(infinite))
        raise BadRequest(f"input {spec.name}: value {where} is infinite; {spec.kind.datatype} must be finite, or NaN")
    missing = np.isnan(array)
    if spec.on_missing == "Reject":
        where = int(np.argmax(missing))
        raise BadRequest(
            f"input {spec.name}: value {where} is NaN, which is a missing value, "
            f"but this model requires every value of {spec.name}"
        )
    array[missing] = spec.fill


def _to_strings(spec: InputSpec, shape: tuple[int, ...], raw: Tail) -> Array:
    size = prod(shape)
    if size * _LENGTH.size > len(raw):
        raise BadRequest(
            f"input {spec.name}: shape {list(shape)} of BYTES needs at least {size * _LENGTH.size} bytes, "
            f"4 before each value, got {len(raw)}"
        )
    array = np.empty(size, dtype=object)
    at = 0
    for index in range(size):
        at, array[index] = _read_string(spec, raw, at, index)
    if at != len(raw):
        raise BadRequest(f"input {spec.name}: {len(raw) - at} bytes are left behind the {size} values of its shape")
    return array.reshape(shape)


def _read_string(spec: InputSpec, raw: Tail, at: int, index: int) -> tuple[int, str]:
    start = at + _LENGTH.size
    if start > len(raw):
        raise BadRequest(f"input {spec.name}: the bytes end before the length of value {index}")
    end = start + int(_LENGTH.unpack_from(raw, at)[0])
    if end > len(raw):
        raise BadRequest(
            f"input {spec.name}: value {index} says {end - start} bytes (in 4, little-endian), {len(raw) - start} are left"
        )
    try:
        return end, str(raw[start:end], "utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"input {spec.name}: value {index} is not UTF-8: {error.reason}") from error


def raw_from_array(array: Array) -> bytes:
    """The bytes of one output."""
    if array.dtype != object:
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    values = [value.encode() for value in array.reshape(-1).tolist()]
    return b"".join(part for value in values for part in (_LENGTH.pack(len(value)), value))
