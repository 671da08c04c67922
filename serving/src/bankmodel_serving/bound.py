"""Prebound buffers: batches of numeric rows scored without making an array or a feed. Made by the engine.

`session.run` costs 6.5 µs a call, a prebound io_binding 4.1 (reference/scoring-performance.md). One binding per
batch size, made when that size first occurs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bankmodel_serving.errors import InferenceFailed
from bankmodel_serving.tensors import Array, TensorSpec

__all__ = ["BoundBatch"]


class BoundBatch:
    """Buffers for up to `max_rows` rows. Belongs to one thread: each run overwrites the answers of the one before."""

    def __init__(
        self,
        session: Any,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        output_rows: Sequence[tuple[int, ...]],
        max_rows: int,
    ) -> None:
        self.max_rows = max_rows
        self._session = session
        self._inputs = inputs
        self._outputs = outputs
        rows = [spec.row_shape or () for spec in inputs]
        self._in = [np.zeros((max_rows, *row), spec.kind.dtype) for spec, row in zip(inputs, rows, strict=True)]
        self._out = [
            np.zeros((max_rows, *row), spec.kind.dtype) for spec, row in zip(outputs, output_rows, strict=True)
        ]
        self._bindings: dict[int, tuple[Any, list[Array]]] = {}

    def run(self, parts: Sequence[Sequence[Array]], rows: int) -> list[Array]:
        """Score the requests' columns as one batch of `rows` rows. The answers are views, valid until the next run."""
        binding, outputs = self._bindings.get(rows) or self._bind(rows)
        at = 0
        for columns in parts:
            end = at + len(columns[0])
            for buffer, column in zip(self._in, columns, strict=True):
                buffer[at:end] = column
            at = end
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            raise InferenceFailed(f"the model failed on these inputs: {str(error).strip()[:200]}") from error
        return outputs

    def columns(self, rows: int) -> list[Array]:
        """The inputs of the batch scored last, for whoever counts what was seen; views, valid until the next run."""
        return [buffer[:rows] for buffer in self._in]

    def _bind(self, rows: int) -> tuple[Any, list[Array]]:
        binding = self._session.io_binding()
        views = [buffer[:rows] for buffer in self._out]
        for spec, buffer in zip(self._inputs, self._in, strict=True):
            binding.bind_input(spec.name, "cpu", 0, spec.kind.dtype.type, (rows, *buffer.shape[1:]), buffer.ctypes.data)
        for spec, view in zip(self._outputs, views, strict=True):
            binding.bind_output(spec.name, "cpu", 0, spec.kind.dtype.type, view.shape, view.ctypes.data)
        self._bindings[rows] = (binding, views)
        return self._bindings[rows]
