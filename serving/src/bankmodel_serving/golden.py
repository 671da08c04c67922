"""Golden vectors: known answers from the card, scored at start-up through the same codec that callers use.

A difference keeps the pod unready: a model that answers otherwise than on the day it was approved must not decide.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from bankmodel_serving.card import Golden
from bankmodel_serving.codec import Decoder
from bankmodel_serving.errors import RequestError
from bankmodel_serving.tensors import Array, Schema, TensorSpec

__all__ = ["golden_columns", "golden_mismatch"]


def golden_columns(golden: Golden, schema: Schema, decoder: Decoder) -> tuple[Array, ...]:
    """The golden inputs as the model takes them; raises BadRequest where they don't fit the model."""
    tensors = [
        {
            "name": spec.name,
            "shape": _shape(spec, golden.inputs[spec.name]),
            "datatype": spec.kind.datatype,
            "data": golden.inputs[spec.name],
        }
        for spec in schema.inputs
        if spec.name in golden.inputs
    ]
    return tuple(decoder.decode(orjson.dumps({"inputs": tensors})).columns)


def golden_mismatch(
    golden: Golden, schema: Schema, decoder: Decoder, run: Callable[[Sequence[Array]], Sequence[Array]]
) -> str | None:
    """None if every golden answer is met within rtol and atol; else a sentence with the first difference and the count."""
    try:
        outputs = run(golden_columns(golden, schema, decoder))
    except RequestError as error:
        return f"the card's golden vectors can't be scored: {error}"
    found = dict(zip((spec.name for spec in schema.outputs), outputs, strict=True))
    return _first_difference(golden, found)


def _first_difference(golden: Golden, found: Mapping[str, Array]) -> str | None:
    for name, expected in golden.outputs.items():
        if name not in found:
            return f"the card has golden vectors for output {name}, which the model does not have"
        message = _difference(name, expected, found[name], golden)
        if message is not None:
            return message
    return None


def _difference(name: str, expected: tuple[Any, ...], actual: Array, golden: Golden) -> str | None:
    is_float = actual.dtype.kind == "f"
    found: Array = actual.astype(np.float64).reshape(-1) if is_float else actual.reshape(-1)
    try:
        wanted: Array = np.array(expected, dtype=found.dtype).reshape(-1)
    except (TypeError, ValueError, OverflowError) as error:
        return f"golden vectors: the card's values for output {name} are none of its datatype: {str(error)[:100]}"
    if len(wanted) != len(found):
        return f"golden vectors: output {name} has {len(found)} values, the card has {len(wanted)}"
    same = np.isclose(found, wanted, golden.rtol, golden.atol, equal_nan=True) if is_float else found == wanted
    if bool(np.all(same)):
        return None
    at = int(np.argmin(same))
    return (
        f"golden vectors: output {name} differs at {same.size - int(np.sum(same))} of {same.size} values, first at "
        f"{at}: expected {wanted[at]}, got {actual.reshape(-1)[at]} (rtol {golden.rtol}, atol {golden.atol}); "
        "export the model again or pin the serving image it was exported with"
    )


def _shape(spec: TensorSpec, column: tuple[Any, ...]) -> list[int]:
    """Golden columns are lists of rows: the first length is the row count, the model knows the rest."""
    return [len(column) if size is None and axis == 0 else size or 1 for axis, size in enumerate(spec.shape)]
