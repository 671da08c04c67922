"""Which outputs of the model become columns, and how arrays become them. Pure.

With a card: every output of one value a row under its own name, and the card's score (the probability of the positive class)
as `score`. Without a card nothing is guessed: all columns of all outputs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import pyarrow as pa

from bankmodel_serving.card import Score
from bankmodel_serving.tensors import Array, TensorSpec

__all__ = ["Answer", "answers_as_batch", "answers_of"]

SCORE = "score"


@dataclass(frozen=True)
class Answer:
    """One column of the result: `index` of output number `output`, whose rows are flattened; halves become floats."""

    name: str
    output: int
    index: int
    type: pa.DataType


def answers_of(
    outputs: Sequence[TensorSpec], rows: Sequence[tuple[int, ...]], score: Score | None, *, everything: bool
) -> tuple[Answer, ...]:
    """The columns to write. `rows`: the shape of one row of each output."""
    if score is None or everything or score.output not in {spec.name for spec in outputs}:
        return tuple(each for at in range(len(outputs)) for each in _whole(outputs[at], at, prod(rows[at])))
    found = [_column(spec, at, 0, spec.name) for at, spec in enumerate(outputs) if prod(rows[at]) == 1]
    if score.output not in {each.name for each in found}:
        at = next(at for at, spec in enumerate(outputs) if spec.name == score.output)
        found.append(_column(outputs[at], at, score.class_index or 0, SCORE))
    return tuple(found)


def answers_as_batch(answers: Sequence[Answer], arrays: Sequence[Array]) -> pa.RecordBatch:
    """The arrays, one per output of the model, as the columns that were asked for."""
    flat = [array.reshape(len(array), prod(array.shape[1:])) for array in arrays]
    columns = [pa.array(flat[each.output][:, each.index]).cast(each.type) for each in answers]
    return pa.record_batch(columns, schema=pa.schema([(each.name, each.type) for each in answers]))


def _whole(spec: TensorSpec, at: int, width: int) -> Iterator[Answer]:
    for index in range(width):
        yield _column(spec, at, index, spec.name if width == 1 else f"{spec.name}_{index}")


def _column(spec: TensorSpec, at: int, index: int, name: str) -> Answer:
    return Answer(name, at, index, _arrow(spec))


def _arrow(spec: TensorSpec) -> Any:
    if spec.kind.family == "string":
        return pa.string()
    return pa.float32() if spec.kind.datatype == "FP16" else pa.from_numpy_dtype(spec.kind.dtype)
