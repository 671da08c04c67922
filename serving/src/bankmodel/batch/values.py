"""One Arrow column as the numpy vector a model takes, by the rules of the pod's codec. Pure; called in the workers.

What a request with the row's values would be refused for, the row is refused for: a missing value that the card requires,
an infinity, an integer or a float out of range. NaN is a missing value: JSON has no other way to say it.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from bankmodel.batch.kinds import is_text
from bankmodel.batch.refusals import Refusals
from bankmodel.batch.text import parse_words
from bankmodel_serving.tensors import Array, InputSpec

__all__ = ["read_column"]


def read_column(spec: InputSpec, name: str, column: pa.Array, refusals: Refusals) -> Array:
    """The values as one vector of the input's dtype. At refused rows it holds anything."""
    if types.is_null(column.type):
        column = column.cast(pa.string() if spec.kind.family == "string" else pa.from_numpy_dtype(spec.kind.dtype))
    if is_text(column.type) and spec.kind.family != "string":
        column = parse_words(spec.kind, name, column, refusals)
    match spec.kind.family:
        case "float":
            return _floats(spec, name, column, refusals)
        case "integer":
            return _integers(spec, name, column, refusals)
        case "bool":
            return _booleans(spec, name, column, refusals)
        case _:
            return _strings(spec, name, column, refusals)


def _floats(spec: InputSpec, name: str, column: pa.Array, refusals: Refusals) -> Array:
    if types.is_decimal(column.type):
        # By way of text: Arrow's own cast to double makes 0.09999999999999999 of 0.10000000000000000000.
        column = pc.cast(pc.cast(column, pa.string()), pa.float64())
    numbers: Array = column.to_numpy(zero_copy_only=False)  # nulls are NaN
    if numbers.dtype.kind in "iu":
        numbers = numbers.astype(np.float64)  # as JSON integers are read: first to double, then to the model's float
    with np.errstate(over="ignore"):
        values = numbers.astype(spec.kind.dtype, copy=False)
    return values if np.isfinite(values).all() else _unusual(spec, name, numbers, values, refusals)


def _unusual(spec: InputSpec, name: str, numbers: Array, values: Array, refusals: Refusals) -> Array:
    """The same with infinities refused, and with every missing value the one NaN that the codec uses."""
    limits = np.finfo(spec.kind.dtype)
    refusals.add_where(
        np.isinf(values),
        lambda at: f"column {name}: {numbers[at]} is outside of {spec.kind.datatype} ({limits.min} to {limits.max})",
    )
    missing = np.isnan(values)
    if spec.on_missing == "Reject":
        refusals.add_where(missing, lambda _: _required(name))
    return np.where(missing, spec.kind.dtype.type(np.nan), values)


def _integers(spec: InputSpec, name: str, column: pa.Array, refusals: Refusals) -> Array:
    numbers: Array = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    limits = np.iinfo(spec.kind.dtype)
    refusals.add_where(
        (numbers < limits.min) | (numbers > limits.max),
        lambda at: f"column {name}: {numbers[at]} is outside of {spec.kind.datatype} ({limits.min} to {limits.max})",
    )
    if not column.null_count:
        return numbers.astype(spec.kind.dtype, copy=False)
    return _with_fill(spec, name, numbers.astype(spec.kind.dtype), column, refusals)


def _booleans(spec: InputSpec, name: str, column: pa.Array, refusals: Refusals) -> Array:
    truths: Array = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return _with_fill(spec, name, truths.copy(), column, refusals) if column.null_count else truths


def _strings(spec: InputSpec, name: str, column: pa.Array, refusals: Refusals) -> Array:
    try:
        words: Array = column.to_numpy(zero_copy_only=False)
    except (pa.ArrowException, UnicodeDecodeError):  # Parquet says "string" of bytes that nobody has looked at
        words = _decoded(name, column, refusals)
    return _with_fill(spec, name, words.copy(), column, refusals) if column.null_count else words


def _decoded(name: str, column: pa.Array, refusals: Refusals) -> Array:
    words = np.full(len(column), "", dtype=object)
    for at, value in enumerate(pc.cast(column, pa.large_binary()).to_pylist()):
        try:
            words[at] = "" if value is None else value.decode()
        except UnicodeDecodeError:
            refusals.add(at, f"column {name}: must be text in UTF-8, got {value[:60]!r}")
    return words


def _with_fill(spec: InputSpec, name: str, values: Array, column: pa.Array, refusals: Refusals) -> Array:
    missing = column.is_null().to_numpy(zero_copy_only=False)
    if spec.on_missing == "Reject":
        refusals.add_where(missing, lambda _: _required(name))
    elif spec.kind.family == "integer" and not _fits(spec):
        refusals.add_where(missing, lambda _: f"column {name}: the card's token {spec.fill} is no {spec.kind.datatype}")
    else:
        values[missing] = spec.fill
    return values


def _fits(spec: InputSpec) -> bool:
    limits = np.iinfo(spec.kind.dtype)
    return bool(limits.min <= spec.fill <= limits.max)


def _required(name: str) -> str:
    return f"column {name}: has no value, but this model requires every value of {name}"
