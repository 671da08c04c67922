"""JSON values to one numpy array, strictly: what does not fit is refused with its position, never rounded to fit. Pure."""

from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from bankmodel_serving.errors import BadRequest
from bankmodel_serving.tensors import Array, InputSpec

__all__ = ["refuse_long_strings", "to_array"]

_ALLOWED: dict[str, frozenset[type]] = {
    "float": frozenset((float, int)),
    "integer": frozenset((int,)),
    "bool": frozenset((bool,)),
    "string": frozenset((str,)),
}
_NONE = type(None)


def to_array(spec: InputSpec, shape: tuple[int, ...], data: list[Any]) -> Array:
    """`data`, flat or nested, as an array of `shape`. Nulls become the input's fill value, or are refused."""
    flat = _flatten(spec, shape, data)
    types = frozenset(map(type, flat))
    if not types <= _ALLOWED[spec.kind.family]:
        flat = _without_nulls(spec, flat, types)
    return _convert(spec, flat).reshape(shape)


def refuse_long_strings(specs: Sequence[InputSpec], columns: Sequence[Array], limit: int) -> None:
    """Raise if a text of any column, all in the model's order, has more than `limit` characters."""
    for spec, column in zip(specs, columns, strict=True):
        if spec.kind.family != "string":
            continue
        for position, value in enumerate(column.flat):
            if len(value) > limit:
                raise BadRequest(
                    f"input {spec.name}: data[{position}] has {len(value)} characters, a string is limited to {limit}"
                )


def _flatten(spec: InputSpec, shape: tuple[int, ...], data: list[Any]) -> list[Any]:
    size = prod(shape)
    if len(shape) > 1 and data and type(data[0]) is list:
        _check_nesting(spec, shape, data)
        for _ in shape[1:]:
            data = list(chain.from_iterable(data))
    if len(data) != size:
        raise BadRequest(f"input {spec.name}: shape {list(shape)} needs {size} values in data, got {len(data)}")
    return data


def _check_nesting(spec: InputSpec, shape: tuple[int, ...], data: list[Any]) -> None:
    level: list[Any] = [data]
    for depth, size in enumerate(shape):
        for item in level:
            if type(item) is not list or len(item) != size:
                got = f"a list of {len(item)}" if type(item) is list else _show(item)
                raise BadRequest(
                    f"input {spec.name}: data must be flat or nested like shape {list(shape)}; "
                    f"at depth {depth} expected a list of {size}, got {got}"
                )
        level = list(chain.from_iterable(level))


def _without_nulls(spec: InputSpec, flat: list[Any], types: frozenset[type]) -> list[Any]:
    strangers = types - _ALLOWED[spec.kind.family] - {_NONE}
    if strangers:
        where = next(index for index, value in enumerate(flat) if type(value) in strangers)
        raise BadRequest(f"input {spec.name}: data[{where}] must be {_expected(spec)}, got {_show(flat[where])}")
    if spec.on_missing == "Reject":
        raise BadRequest(
            f"input {spec.name}: data[{flat.index(None)}] is null, but this model requires every value of {spec.name}"
        )
    return [spec.fill if value is None else value for value in flat]


def _convert(spec: InputSpec, flat: list[Any]) -> Array:
    if spec.kind.family == "string":
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
        return array
    try:
        with np.errstate(over="ignore"):
            array = np.array(flat, dtype=spec.kind.dtype)
    except OverflowError:
        raise _out_of_range(spec, flat) from None
    if spec.kind.family == "float" and np.isinf(array).any():
        raise _out_of_range(spec, flat)
    return array


def _out_of_range(spec: InputSpec, flat: list[Any]) -> BadRequest:
    dtype = spec.kind.dtype
    limits: Any = np.finfo(dtype) if spec.kind.family == "float" else np.iinfo(dtype)
    low, high = limits.min, limits.max
    where = next((i for i, value in enumerate(flat) if not _fits(value, dtype)), 0)
    return BadRequest(
        f"input {spec.name}: data[{where}] is {_show(flat[where])}, outside of {spec.kind.datatype} ({low} to {high})"
    )


def _fits(value: Any, dtype: "np.dtype[Any]") -> bool:
    try:
        with np.errstate(over="ignore"):
            return not np.isinf(np.array(value, dtype=dtype))
    except OverflowError:
        return False


def _expected(spec: InputSpec) -> str:
    names = {"float": "a number", "integer": "a whole number", "bool": "true or false", "string": "a string"}
    return f"{names[spec.kind.family]} ({spec.kind.datatype})"


def _show(value: Any) -> str:
    names = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return names[value]
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return repr(value)[:60]
