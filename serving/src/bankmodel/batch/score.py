"""Score one file with one model: check everything first, then read, score, write, and put the results in place together.

Called by `bankmodel score`, and by whoever scores files from Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from bankmodel.batch.answers import answers_of
from bankmodel.batch.cores import available_cores
from bankmodel.batch.delimited import CsvSource
from bankmodel.batch.matching import match_columns
from bankmodel.batch.model import CheckedModel, load_model
from bankmodel.batch.pool import scoring_pool
from bankmodel.batch.reading import Chunk, ParquetSource, Source, suffix_of, without_dictionary
from bankmodel.batch.worker import Job, Scored
from bankmodel.batch.writing import Place, Table, open_table, places_for, written_whole
from bankmodel.errors import UsageError

__all__ = ["Progress", "Report", "Request", "score_file"]

ROW = "row"
REASON = "reason"
EVERY = ("all",)
_REASONS_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to score with what, and where results go. `keep`: columns handed through; ("all",) is every one."""

    model: Path
    source: Path
    target: Path
    rejected: Path | None = None
    sha256: str | None = None
    keep: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    all_outputs: bool = False
    workers: int | None = None
    batch_rows: int = 8192
    delimiter: str = ","
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of it. `examples` are the first rejected rows; `undeclared` columns of the file were ignored."""

    rows: int
    rejected: int
    examples: tuple[tuple[int, str], ...]
    absent: tuple[str, ...]
    undeclared: int
    sha256: str
    rows_per_run: int


class Progress(Protocol):
    """Told that `done` of `total` is read, in rows or bytes, and `rows` are written; the command draws it."""

    def __call__(self, *, rows: int, done: int, total: int) -> None: ...


@dataclass(frozen=True)
class _Plan:
    """Everything that was decided before the first row."""

    request: Request
    model: CheckedModel
    job: Job
    kept: tuple[str, ...]
    scores: pa.Schema
    rejects: pa.Schema

    @property
    def absent(self) -> tuple[str, ...]:
        return tuple(feed.spec.name for feed in self.job.feeds if not feed.columns)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys([*self.job.columns, *self.kept]))


def score_file(request: Request, progress: Progress) -> Report:
    """Write the scores of every row the model takes; raises BankModelError, and then leaves no result behind."""
    targets = [target for target in (request.rejected, request.target) if target is not None]
    places = places_for(targets, source=request.source, force=request.force)
    source = _open(request)
    plan = _planned(request, source)
    workers = request.workers or max(1, min(available_cores(), source.parts))
    tally = _Tally()
    with written_whole(places), scoring_pool(plan.job, workers) as pool:
        scores, rejects = _tables(plan, places)
        for chunk, scored in pool.in_order(source.chunks(plan.columns)):
            scores.add(_score_rows(plan, chunk, scored))
            found = _rejections(chunk, scored)
            tally.count(chunk, found)
            if rejects is not None and found:
                rejects.add(_rejected_rows(plan, chunk, found))
            progress(rows=tally.rows, done=chunk.done, total=source.total)
        facts = _facts(plan, tally)
        for table in (scores, rejects):
            if table is not None:
                table.close(facts)
    return Report(
        rows=tally.rows,
        rejected=tally.rejected,
        examples=tuple(tally.examples),
        absent=plan.absent,
        undeclared=len(set(source.schema.names) - set(plan.job.columns)),
        sha256=plan.model.sha256,
        rows_per_run=plan.job.rows_per_run,
    )


class _Tally:
    """What was seen so far."""

    def __init__(self) -> None:
        self.rows = 0
        self.rejected = 0
        self.examples: list[tuple[int, str]] = []

    def count(self, chunk: Chunk, rejections: Sequence[tuple[int, int | None, str]]) -> None:
        self.rows += chunk.batch.num_rows + len(chunk.unreadable)
        self.rejected += len(rejections)
        room = _REASONS_SHOWN - len(self.examples)
        self.examples += [(number, reason) for number, _, reason in rejections[:room]]


def _open(request: Request) -> Source:
    if not request.source.is_file():
        raise UsageError(f"{request.source} is no file; give the rows to score as .parquet or .csv")
    if suffix_of(request.source) == "csv":
        return CsvSource(request.source, request.batch_rows, request.delimiter)
    return ParquetSource(request.source, request.batch_rows)


def _planned(request: Request, source: Source) -> _Plan:
    model = load_model(request.model, request.sha256, request.batch_rows)
    kept = tuple(source.schema.names) if request.keep == EVERY else request.keep
    unknown = [name for name in kept if name not in source.schema.names]
    if unknown:
        raise UsageError(f"--keep names {', '.join(unknown)}; the file has {', '.join(source.schema.names[:20])}")
    by_name = () if request.keep == EVERY else kept
    feeds = match_columns(model.schema, source.schema, order=request.columns, kept=by_name, words=source.is_words)
    answers = answers_of(model.schema.outputs, model.output_rows, model.score, everything=request.all_outputs)
    job = Job(str(request.model), model.sha256, feeds, answers, model.schema.outputs, model.rows_per_run)
    keys = [without_dictionary(source.schema.field(name)).remove_metadata() for name in kept]
    numbers = [pa.field(ROW, pa.int64())]
    return _Plan(
        request,
        model,
        job,
        kept,
        scores=_schema([*(keys or numbers), *(pa.field(each.name, each.type) for each in answers)]),
        rejects=_schema([*numbers, pa.field(REASON, pa.string()), *keys]),
    )


def _schema(fields: Sequence[pa.Field]) -> pa.Schema:
    names = [field.name for field in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"the result would have two columns named {', '.join(twice)}; leave the file's out of --keep")
    return pa.schema(fields)


def _tables(plan: _Plan, places: "dict[Path, Place]") -> tuple[Table, Table | None]:
    rejected = plan.request.rejected
    scores = open_table(places, plan.request.target, plan.scores)
    return scores, None if rejected is None else open_table(places, rejected, plan.rejects)


def _score_rows(plan: _Plan, chunk: Chunk, scored: Scored) -> pa.RecordBatch:
    """Kept columns (or row numbers) beside the answers, of the accepted rows."""
    keys = [chunk.batch.column(name) for name in plan.kept] or [pa.array(chunk.numbers, pa.int64())]
    if scored.reasons:
        accepted = np.ones(chunk.batch.num_rows, dtype=np.bool_)
        accepted[list(scored.reasons)] = False
        keys = [key.filter(pa.array(accepted)) for key in keys]
    return pa.record_batch([*keys, *scored.answers.columns], schema=plan.scores)


def _rejections(chunk: Chunk, scored: Scored) -> list[tuple[int, int | None, str]]:
    """Number, position (None: not a row of the batch) and reason of each, in the file's order."""
    unread: list[tuple[int, int | None, str]] = [(number, None, reason) for number, reason in chunk.unreadable]
    unfit = [(int(chunk.numbers[position]), position, reason) for position, reason in scored.reasons.items()]
    return sorted([*unread, *unfit], key=_first)


def _first(rejection: tuple[int, int | None, str]) -> int:
    return rejection[0]


def _rejected_rows(plan: _Plan, chunk: Chunk, rejections: Sequence[tuple[int, int | None, str]]) -> pa.RecordBatch:
    numbers, positions, reasons = zip(*rejections, strict=True)
    at = pa.array(positions, pa.int64())
    keys = [chunk.batch.column(name).take(at) for name in plan.kept]
    return pa.record_batch([pa.array(numbers, pa.int64()), pa.array(reasons), *keys], schema=plan.rejects)


def _facts(plan: _Plan, tally: _Tally) -> dict[str, str]:
    """What travels with the results: the same rows and the same model give the same bytes, so no time and no path."""
    model, feeds = plan.model, plan.job.feeds
    matrix = next((feed.columns for feed in feeds if len(feed.columns) > 1), None)
    found: dict[str, str | None] = {
        "model.name": model.name,
        "model.version": model.version,
        "model.sha256": model.sha256,
        "rows": str(tally.rows),
        "rows.rejected": str(tally.rejected),
        "rows.together": str(plan.job.rows_per_run),
        "columns": ",".join(matrix) if matrix else None,
        "absent": ",".join(plan.absent) or None,
        "bankmodel": installed_version("bankmodel"),
        "onnxruntime": installed_version("onnxruntime"),
    }
    return {key: value for key, value in found.items() if value}
