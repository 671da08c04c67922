"""Scores batches with the engine: bound buffers where they can be, plain runs elsewhere. The scheduler calls it."""

from collections.abc import Callable, Sequence
from typing import Any

from bankmodel_serving.codec import refuse_infinite
from bankmodel_serving.engine import Engine
from bankmodel_serving.errors import InferenceFailed
from bankmodel_serving.grouping import Content, Packed, columns_of, matrices_of, pieces_of
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
        self._groups = engine.groups if has_rows else None
        self._prepared = engine.prepared(max_rows) if has_rows else None

    def run_small(self, parts: Sequence[Content], rows: int) -> Sequence[Array]:
        if self._groups is None:
            return self._run_as_sent(parts)
        matrices = self._matrices(parts, rows)
        if self._prepared is not None and rows <= self._prepared.max_rows:
            outputs = self._checked(self._prepared.run(matrices, rows), rows)
        else:
            outputs = self._checked(self._engine.run(columns_of(self._groups, matrices, rows)), rows)
        self._observer.note(matrices, outputs, rows)
        return outputs

    def run_large(self, content: Content) -> Sequence[Array]:
        if self._groups is None:
            return self._run_as_sent([content])
        rows = content.rows if isinstance(content, Packed) else len(content[0])
        matrices = self._matrices([content], rows)
        outputs = self._checked(self._engine.run(columns_of(self._groups, matrices, rows)), rows)
        self._later(self._observer.note, matrices, outputs, rows)
        return outputs

    def _matrices(self, parts: Sequence[Content], rows: int) -> list[Array]:
        groups = self._groups or ()
        pieces = [part.pieces if isinstance(part, Packed) else pieces_of(groups, part) for part in parts]
        return matrices_of(groups, pieces, rows)

    def _run_as_sent(self, parts: Sequence[Content]) -> Sequence[Array]:
        """Inputs whose rows can't be told or vary in shape: one request at a time, and nothing to count."""
        (content,) = parts
        outputs = self._engine.run(content.columns() if isinstance(content, Packed) else content)
        refuse_infinite(self._engine.outputs, outputs)
        return outputs

    def _checked(self, outputs: Sequence[Array], rows: int) -> Sequence[Array]:
        refuse_infinite(self._engine.outputs, outputs)
        for spec, array in zip(self._engine.outputs, outputs, strict=True):
            if len(array) != rows:
                raise InferenceFailed(f"output {spec.name} has {len(array)} rows for {rows} rows of input")
        return outputs
