"""Results on disk: whole or not at all. A file is written beside its place, synced, and renamed there at the end."""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import csv, parquet

from bankmodel.batch.reading import suffix_of
from bankmodel.errors import ScoringFailed, UsageError

__all__ = ["Place", "Table", "facts_beside", "places_for", "written_whole"]

_GROUP_ROWS = 131_072  # of a Parquet row group, the unit in which rows wait in memory
Facts = Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where a result belongs, and where it is written until then."""

    target: Path
    partial: Path


class Table(Protocol):
    """A table being written. `close` adds what is known about it by then."""

    def add(self, batch: pa.RecordBatch) -> None: ...

    def close(self, facts: Facts) -> None: ...


def facts_beside(target: Path) -> Path:
    """CSV has no room for metadata: they stand in a JSON file beside it."""
    return target.with_name(f"{target.name}.json")


def places_for(targets: Iterable[Path], *, source: Path, force: bool) -> dict[Path, Place]:
    """A place for each target (and for what stands beside it); refused where something is in the way."""
    wanted = [each for target in targets for each in _with_facts(target)]
    for target in wanted:
        if target.resolve() == source.resolve() or wanted.count(target) > 1:
            raise UsageError(f"{target} is named twice; give input and results a name each")
        if not target.parent.is_dir():
            raise UsageError(f"{target.parent} is no directory; make it, or write elsewhere")
        if target.exists() and not force:
            raise UsageError(f"{target} exists; --force replaces it")
    token = secrets.token_hex(4)
    return {target: Place(target, target.with_name(f".{target.name}.{token}.partial")) for target in wanted}


@contextmanager
def written_whole(places: Mapping[Path, Place]) -> Iterator[None]:
    """Put everything in its place when the block ends well, in order, and leave nothing behind when it does not."""
    try:
        yield
        for place in places.values():
            _sync(place.partial)
        for place in places.values():
            place.partial.replace(place.target)
        for folder in {place.target.parent for place in places.values()}:
            _sync(folder)
    except OSError as error:
        raise ScoringFailed(f"the result can't be written: {error}; nothing was put in place") from error
    finally:
        for place in places.values():
            place.partial.unlink(missing_ok=True)


def open_table(places: Mapping[Path, Place], target: Path, schema: pa.Schema) -> Table:
    """A table at `target`, in the format its name says."""
    if suffix_of(target) == "parquet":
        return _ParquetTable(places[target].partial, schema)
    nested = next((field for field in schema if pa.types.is_nested(field.type)), None)
    if nested is not None:
        raise UsageError(f"column {nested.name} is {nested.type}, which CSV can't hold; write {target.stem}.parquet")
    return _CsvTable(places[target].partial, places[facts_beside(target)].partial, schema, target.suffix == ".gz")


class _ParquetTable:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = parquet.ParquetWriter(path, schema)
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= _GROUP_ROWS:
            self._write()

    def close(self, facts: Facts) -> None:
        if self._rows:
            self._write()
        self._writer.add_key_value_metadata({f"bankmodel.{key}": value for key, value in facts.items()})
        self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._rows = [], 0


class _CsvTable:
    def __init__(self, path: Path, beside: Path, schema: pa.Schema, is_zipped: bool) -> None:
        self._beside = beside
        self._stream: Any = pa.output_stream(str(path), compression="gzip" if is_zipped else None)
        self._writer = csv.CSVWriter(self._stream, schema)

    def add(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self, facts: Facts) -> None:
        self._writer.close()
        self._stream.close()
        self._beside.write_text(json.dumps(dict(facts), indent=1, ensure_ascii=False) + "\n")


def _with_facts(target: Path) -> Iterator[Path]:
    if suffix_of(target) == "csv":
        yield facts_beside(target)
    yield target  # last: where the scores are, everything is


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
