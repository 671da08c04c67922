"""CSV as a stream of batches of words: what a word stands for is decided by the model's input, not guessed from the file.

An empty field is missing, a quoted empty one is an empty text. Rows with too many or too few fields are set aside.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bankmodel.batch.reading import Chunk
from bankmodel.errors import ScoringFailed, UsageError
from bankmodel_serving.tensors import Array

__all__ = ["CsvSource"]

_BLOCK_BYTES = 4 << 20


class CsvSource:
    """A CSV file in UTF-8 with a header, gzip by its suffix; `total` and `done` are bytes of the file as it is stored."""

    is_words = True

    def __init__(self, path: Path, batch_rows: int, delimiter: str) -> None:
        self._path = path
        self._batch_rows = batch_rows
        self._delimiter = delimiter
        self._unreadable: deque[tuple[int, str]] = deque()
        try:
            self.total = path.stat().st_size
            self.parts = ceil(self.total / _BLOCK_BYTES)
            with self._open(pa.OSFile(str(path)), None) as reader:
                names = reader.schema.names
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"{path} can't be read as CSV: {_said(error)}") from error
        self.schema = pa.schema([(name, pa.string()) for name in names])

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        number = 0
        self._unreadable.clear()
        try:
            with pa.OSFile(str(self._path)) as file, self._open(file, columns) as reader:
                for block in reader:
                    for start in range(0, block.num_rows, self._batch_rows):
                        batch = block.slice(start, self._batch_rows)
                        numbers, unreadable = self._numbered(number, batch.num_rows)
                        number = int(numbers[-1])
                        yield Chunk(batch, numbers, file.tell(), unreadable)
        except (OSError, pa.ArrowException) as error:
            raise ScoringFailed(f"{self._path} can't be read beyond row {number}: {_said(error)}") from error
        if self._unreadable:
            empty = pa.record_batch([pa.array([], pa.string()) for _ in columns], names=list(columns))
            yield Chunk(empty, np.empty(0, np.int64), self.total, tuple(self._unreadable))

    def _open(self, file: Any, columns: Sequence[str] | None) -> csv.CSVStreamingReader:
        stream = pa.CompressedInputStream(file, "gzip") if self._path.suffix.lower() == ".gz" else file
        words = dict.fromkeys(columns or (), pa.string())
        return csv.open_csv(
            stream,
            read_options=csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,  # in a file of one column an empty line is a row without a value
                invalid_row_handler=self._set_aside,
            ),
            convert_options=csv.ConvertOptions(
                column_types=words,
                include_columns=list(words),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _set_aside(self, row: csv.InvalidRow) -> str:
        reason = f"the row has {row.actual_columns} fields, the header {row.expected_columns}"
        self._unreadable.append((row.number - 1, reason))  # the header is number 1 there
        return "skip"

    def _numbered(self, last: int, rows: int) -> tuple[Array, tuple[tuple[int, str], ...]]:
        """Numbers for the next rows, leaving out those that were set aside."""
        skipped: list[tuple[int, str]] = []
        end = last + rows
        while self._unreadable and self._unreadable[0][0] <= end:
            skipped.append(self._unreadable.popleft())
            end += 1
        numbers = np.setdiff1d(np.arange(last + 1, end + 1), [number for number, _ in skipped], assume_unique=True)
        return numbers, tuple(skipped)


def _said(error: Exception) -> str:
    hint = "; files are UTF-8" if "UTF8" in str(error) or "UTF-8" in str(error) else ""
    return f"{str(error)[:200]}{hint}"
