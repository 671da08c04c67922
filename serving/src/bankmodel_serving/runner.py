"""Scores batches with the engine: bound buffers where they can be, plain runs elsewhere. The scheduler calls it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bankmodel_serving.bound import BoundBatch
from bankmodel_serving.codec import refuse_infinite
from bankmodel_serving.engine import Engine
from bankmodel_serving.errors import InferenceFailed
from bankmodel_serving.observation import Observer
from bankmodel_serving.tensors import Array

__all__ = ["ModelRunner"]


class ModelRunner:
    """`run_small` belongs to the loop's thread, `run_large` may run on any other; `later` brings notes back."""

    def __init__(
        self, engine: Engine, observer: Observer, *, max_rows: int, later: Callable[..., Any], has_rows: bool = True
    ) -> None:
        self._engine = engine
        self._observer = observer
        self._later = later
        self._has_rows = has_rows
        self._bound: BoundBatch | None = engine.bound(max_rows) if has_rows else None

    def run_small(self, parts: Sequence[Sequence[Array]], rows: int) -> Sequence[Array]:
        if self._bound is not None and rows <= self._bound.max_rows:
            return self._run_bound(self._bound, parts, rows)
        columns = parts[0] if len(parts) == 1 else [np.concatenate(column) for column in zip(*parts, strict=True)]
        outputs = self._checked(self._engine.run(columns), rows)
        if self._has_rows:
            self._observer.note(columns, outputs, rows)
        return outputs

    def run_large(self, columns: Sequence[Array]) -> Sequence[Array]:
        rows = len(columns[0])
        outputs = self._checked(self._engine.run(columns), rows)
        self._later(self._observer.note, columns, outputs, rows)
        return outputs

    def _run_bound(self, bound: BoundBatch, parts: Sequence[Sequence[Array]], rows: int) -> Sequence[Array]:
        outputs = bound.run(parts, rows)
        refuse_infinite(self._engine.outputs, outputs)
        self._observer.note(bound.columns(rows), outputs, rows)
        return outputs

    def _checked(self, outputs: Sequence[Array], rows: int) -> Sequence[Array]:
        refuse_infinite(self._engine.outputs, outputs)
        if self._has_rows:
            for spec, array in zip(self._engine.outputs, outputs, strict=True):
                if len(array) != rows:
                    raise InferenceFailed(f"output {spec.name} has {len(array)} rows for {rows} rows of input")
        return outputs
