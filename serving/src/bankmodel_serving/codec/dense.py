"""The fast path: one FP32 matrix in, flat, every value a number. Anything else is left to the general path. Pure.

Measured (30 values): array('f') 0.6 µs and a sum as the check for overflow 0.3 µs, against 3.5 µs for
numpy's conversion with a type check and isfinite. Both paths are tested against one table and one property.
"""

from array import array
from math import isfinite
from typing import Any

import numpy as np

from bankmodel_serving.codec.decode import DecodeLimits, Inference
from bankmodel_serving.tensors import InputSpec, Schema

__all__ = ["DenseReader"]

_KEYS = frozenset(("id", "inputs"))
_TENSOR_KEYS = frozenset(("name", "shape", "datatype", "data"))


class DenseReader:
    """Reads requests for one model; None means: not sure, ask the general path."""

    __slots__ = ("_max_rows", "_name", "_width")

    def __init__(self, spec: InputSpec, width: int, limits: DecodeLimits) -> None:
        self._name = spec.name
        self._width = width
        self._max_rows = limits.max_rows

    @classmethod
    def for_schema(cls, schema: Schema, limits: DecodeLimits) -> "DenseReader | None":
        """A reader if the model takes exactly one FP32 matrix of fixed width."""
        if len(schema.inputs) != 1:
            return None
        spec = schema.inputs[0]
        row = spec.row_shape
        if spec.kind.datatype != "FP32" or row is None or len(row) != 1 or row[0] == 0:
            return None
        return cls(spec, row[0], limits)

    def read(self, body: bytes, document: dict[str, Any]) -> Inference | None:
        # array('f') takes true for 1.0, so a body with such a word goes the long way.
        if not document.keys() <= _KEYS or b"true" in body or b"false" in body:
            return None
        request_id = document.get("id")
        if request_id is not None and (type(request_id) is not str or not 0 < len(request_id) <= 256):
            return None
        inputs = document.get("inputs")
        if type(inputs) is not list or len(inputs) != 1:
            return None
        return self._read_tensor(request_id, inputs[0])

    def _read_tensor(self, request_id: str | None, tensor: Any) -> Inference | None:
        if type(tensor) is not dict or tensor.keys() != _TENSOR_KEYS:
            return None
        if tensor["name"] != self._name or tensor["datatype"] != "FP32":
            return None
        shape, data = tensor["shape"], tensor["data"]
        if type(shape) is not list or len(shape) != 2 or type(data) is not list:
            return None
        values = self._read_values(shape, data)
        if values is None:
            return None
        rows, width = shape
        return Inference(request_id, (np.frombuffer(values, dtype=np.float32).reshape(rows, width),), rows)

    def _read_values(self, shape: list[Any], data: list[Any]) -> "array[float] | None":
        rows, width = shape
        if type(rows) is not int or type(width) is not int or width != self._width or not 0 < rows <= self._max_rows:
            return None
        if len(data) != rows * width:
            return None
        try:
            values = array("f", data)
        except (TypeError, OverflowError):
            return None
        return values if isfinite(sum(values)) else None  # added up as doubles: infinite only if a value is
