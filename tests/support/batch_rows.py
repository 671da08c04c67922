"""The same rows twice: as `bankmodel score` reads them from a file, and as requests to a pod would carry them, one by one."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from bankmodel.batch.answers import answers_of
from bankmodel.batch.matching import match_columns
from bankmodel.batch.model import CheckedModel, load_model
from bankmodel.batch.worker import Job, Scored, Scorer
from bankmodel_serving.codec import Decoder, refuse_infinite
from bankmodel_serving.engine import Engine
from bankmodel_serving.errors import RequestError
from support.tiny_models import ModelFile

__all__ = ["Answered", "BatchModel", "by_requests", "read_rows", "write_rows"]

Answered = list[tuple[Any, ...] | None]
"""Per row: all outputs as bytes (or text), or None where it is refused."""


@dataclass(frozen=True)
class BatchModel:
    """A loaded model; the same engine answers both ways."""

    file: ModelFile
    checked: CheckedModel
    engine: Engine

    @classmethod
    def of(cls, file: ModelFile) -> "BatchModel":
        return cls(file, load_model(file.path, None, 8192), Engine.load(str(file.path)))

    def scored(self, table: pa.Table, *, words: bool = False, columns: Sequence[str] = (), together: int = 0) -> Scored:
        """What a worker makes of the rows, `together` at once (0: as the run would)."""
        checked = self.checked
        feeds = match_columns(checked.schema, table.schema, order=columns, words=words)
        answers = answers_of(checked.schema.outputs, checked.output_rows, None, everything=True)
        job = Job(
            str(self.file.path),
            checked.sha256,
            feeds,
            answers,
            checked.schema.outputs,
            together or checked.rows_per_run,
        )
        (batch,) = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
        return Scorer(self.engine.run, job).score(batch)

    def by_batch(self, table: pa.Table, *, words: bool = False, columns: Sequence[str] = ()) -> Answered:
        """Each row's answer from one batch."""
        scored = self.scored(table, words=words, columns=columns)
        rows = iter(zip(*(_exact(column) for column in scored.answers.columns), strict=True))
        return [None if at in scored.reasons else next(rows) for at in range(table.num_rows)]


def by_requests(model: BatchModel, table: pa.Table) -> Answered:
    """Each row sent alone, as JSON, through the pod's codec; NaN is sent as null."""
    decoder = Decoder(model.checked.schema)
    return [_requested(model, decoder, row) for row in table.to_pylist()]


def _requested(model: BatchModel, decoder: Decoder, row: dict[str, Any]) -> tuple[Any, ...] | None:
    tensors = [
        {
            "name": spec.name,
            "shape": [1, *(spec.row_shape or ())],
            "datatype": spec.kind.datatype,
            "data": _as_json(row[spec.name]),
        }
        for spec in model.checked.schema.inputs
        if spec.name in row
    ]
    try:
        outputs = model.engine.run(decoder.decode(json.dumps({"inputs": tensors}).encode()).columns)
        refuse_infinite(model.engine.outputs, outputs)
    except RequestError:
        return None
    flat = [array.reshape(1, -1)[:, at] for array in outputs for at in range(array.reshape(1, -1).shape[1])]
    return tuple(_exact_value(array[0]) for array in flat)


def _as_json(values: Any) -> list[Any]:
    listed = values if isinstance(values, list) else [values]
    return [None if isinstance(value, float) and math.isnan(value) else value for value in listed]


def _exact(column: pa.Array) -> list[Any]:
    return [_exact_value(value) for value in column.to_numpy(zero_copy_only=False)]


def _exact_value(value: Any) -> Any:
    # Halves travel as single floats, which hold them exactly; every other value must be the same to the bit.
    if hasattr(value, "dtype"):
        return (value.astype("f4") if value.dtype == "f2" else value).tobytes()
    return value


def write_rows(path: Path, table: pa.Table) -> Path:
    """As Parquet or CSV, by the name."""
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=1000)
    else:
        csv.write_csv(table, path)
    return path


def read_rows(path: Path) -> pa.Table:
    """A result, without its metadata."""
    table = parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)
    return table.replace_schema_metadata(None)
