"""The input file as a stream of batches with row numbers, in bounded memory. Parquet here, CSV in `delimited`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from bankmodel.errors import ScoringFailed, UsageError
from bankmodel_serving.tensors import Array

__all__ = ["Chunk", "ParquetSource", "Source", "suffix_of", "without_dictionaries"]

_BUFFER_BYTES = 1 << 20
_CSV = (".csv", ".csv.gz")
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Chunk:
    """Some rows. `numbers` are theirs in the file, from 1; `done` is how far the file is read, in the source's own unit.

    `unreadable` are rows before or among these that have no columns at all, with the reason.
    """

    batch: pa.RecordBatch
    numbers: Array
    done: int
    unreadable: tuple[tuple[int, str], ...] = ()


class Source(Protocol):
    """A file of rows. `is_words`: every column is text that may stand for a number, as in CSV. `parts`: chunks, about."""

    schema: pa.Schema
    total: int
    parts: int
    is_words: bool

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]: ...


class ParquetSource:
    """A Parquet file, read page by page; `total` and `done` are rows."""

    is_words = False

    def __init__(self, path: Path, batch_rows: int) -> None:
        self._path = path
        self._batch_rows = batch_rows
        try:
            # A buffer: otherwise whole column chunks of a row group are held, which may be the whole file.
            self._file = parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"{path} can't be read as Parquet: {str(error)[:200]}") from error
        self.schema = pa.schema([without_dictionary(field) for field in self._file.schema_arrow])
        self.total = self._file.metadata.num_rows
        self.parts = ceil(self.total / batch_rows)

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        done = 0
        try:
            for batch in self._file.iter_batches(self._batch_rows, columns=list(columns)):
                numbers = np.arange(done + 1, done + 1 + batch.num_rows)
                done += batch.num_rows
                yield Chunk(without_dictionaries(batch), numbers, done)
        except (OSError, pa.ArrowException) as error:
            raise ScoringFailed(f"{self._path} can't be read beyond row {done}: {str(error)[:200]}") from error
        if done != self.total:
            raise ScoringFailed(f"{self._path} says it has {self.total} rows, but gave {done}; is it whole?")


def without_dictionary(field: pa.Field) -> pa.Field:
    """Categories as the values they stand for."""
    return pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field


def without_dictionaries(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows with every dictionary-encoded column spelled out."""
    if not any(pa.types.is_dictionary(field.type) for field in batch.schema):
        return batch
    columns = [each.dictionary_decode() if pa.types.is_dictionary(each.type) else each for each in batch.columns]
    return pa.record_batch(columns, names=batch.schema.names)


def suffix_of(path: Path) -> str:
    """`csv` or `parquet`, by the file's name."""
    name = path.name.lower()
    if name.endswith(_CSV):
        return "csv"
    if name.endswith(_PARQUET):
        return "parquet"
    raise UsageError(f"{path} ends in {path.suffix or 'nothing'}; files are {', '.join((*_PARQUET, *_CSV))}")
