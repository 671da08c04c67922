"""What one scoring process does: read a batch as the pod's codec would, run the model, hand back answers and refusals.

Nothing is shared between processes. Each checks the digest of the file it loads.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from threading import Thread

import numpy as np
import pyarrow as pa

from bankmodel.batch.answers import Answer, answers_as_batch
from bankmodel.batch.matching import Feed
from bankmodel.batch.refusals import Refusals
from bankmodel.batch.values import read_column
from bankmodel_serving.digest import check_digest
from bankmodel_serving.engine import Engine
from bankmodel_serving.errors import InferenceFailed
from bankmodel_serving.tensors import Array, TensorSpec

__all__ = ["Job", "Scored", "Scorer", "score_in_worker", "start_worker"]

Run = Callable[[Sequence[Array]], Sequence[Array]]


@dataclass(frozen=True)
class Job:
    """What to score with and how. `rows_per_run`: how many rows the model sees at once."""

    model: str
    sha256: str
    feeds: tuple[Feed, ...]
    answers: tuple[Answer, ...]
    outputs: tuple[TensorSpec, ...]
    rows_per_run: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns that the model is fed with."""
        return tuple(dict.fromkeys(name for feed in self.feeds for name in feed.columns))


@dataclass(frozen=True)
class Scored:
    """The answers of the accepted rows, in order, and the reason for each other row by its position."""

    answers: pa.RecordBatch
    reasons: dict[int, str]


class Scorer:
    """Scores batches of rows with one loaded model."""

    def __init__(self, run: Run, job: Job) -> None:
        self._run = run
        self._job = job

    @classmethod
    def load(cls, job: Job) -> "Scorer":
        """With the job's file, if it still has the digest it had."""
        check_digest(job.model, job.sha256)
        return cls(Engine.load(job.model).run, job)

    def score(self, batch: pa.RecordBatch) -> Scored:
        """The rows' answers; independent of how rows are cut into batches."""
        refusals = Refusals()
        columns = [_read(feed, batch, refusals) for feed in self._job.feeds]
        accepted = refusals.accepted(batch.num_rows)
        if refusals.reasons:
            columns = [column[accepted] for column in columns]
        late = Refusals()  # positions among the accepted
        pieces = list(self._pieces(columns, len(accepted), late))
        answers = self._joined(pieces)
        infinite = _infinite_rows(self._job.outputs, answers)
        if infinite.any():
            answered = late.accepted(len(accepted))
            late.add_where(_spread(infinite, answered, len(accepted)), lambda _: _INFINITE)
            answers = [array[~infinite] for array in answers]
        for position, reason in late.reasons.items():
            refusals.add(int(accepted[position]), reason)
        return Scored(answers_as_batch(self._job.answers, answers), refusals.reasons)

    def _pieces(self, columns: Sequence[Array], rows: int, refusals: Refusals) -> Iterator[Sequence[Array]]:
        for start in range(0, rows, self._job.rows_per_run):
            part = [column[start : start + self._job.rows_per_run] for column in columns]
            yield from self._part(part, start, refusals)

    def _part(self, part: Sequence[Array], start: int, refusals: Refusals) -> Iterator[Sequence[Array]]:
        """The answers of some rows; where the model fails, of each row alone, so that only the one at fault is refused."""
        rows = len(part[0])
        try:
            found = self._run(part)
        except InferenceFailed as error:
            if rows == 1:
                refusals.add(start, str(error))
                return
            for row in range(rows):
                yield from self._part([column[row : row + 1] for column in part], start + row, refusals)
            return
        for spec, array in zip(self._job.outputs, found, strict=True):
            if len(array) != rows:
                raise InferenceFailed(f"output {spec.name} has {len(array)} rows for {rows} rows of input")
        yield found

    def _joined(self, pieces: Sequence[Sequence[Array]]) -> list[Array]:
        if len(pieces) == 1:
            return list(pieces[0])
        if pieces:
            return [np.concatenate(arrays) for arrays in zip(*pieces, strict=True)]
        widths = {each.output: each.index + 1 for each in self._job.answers}
        return [np.empty((0, widths.get(at, 1)), spec.kind.dtype) for at, spec in enumerate(self._job.outputs)]


_INFINITE = "the model's answer is infinite for these inputs, which a pod refuses too"


def _read(feed: Feed, batch: pa.RecordBatch, refusals: Refusals) -> Array:
    spec, rows = feed.spec, batch.num_rows
    row_shape = spec.row_shape or ()
    if not feed.columns:
        return read_column(spec, spec.name, pa.nulls(rows), refusals).reshape(rows, *row_shape)
    if len(feed.columns) == 1:
        return read_column(spec, feed.columns[0], batch.column(feed.columns[0]), refusals).reshape(rows, *row_shape)
    matrix = np.empty((rows, len(feed.columns)), spec.kind.dtype)
    for index, name in enumerate(feed.columns):
        matrix[:, index] = read_column(spec, name, batch.column(name), refusals)
    return matrix


def _infinite_rows(
    outputs: Sequence[TensorSpec], arrays: Sequence[Array]
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    found = np.zeros(len(arrays[0]), dtype=np.bool_)
    for spec, array in zip(outputs, arrays, strict=True):
        if spec.kind.family == "float" and len(array):
            infinite = np.isinf(array)
            if infinite.any():
                found |= infinite.reshape(len(array), -1).any(axis=1)
    return found


def _spread(wrong: Array, positions: Array, rows: int) -> Array:
    spread = np.zeros(rows, dtype=np.bool_)
    spread[positions[wrong]] = True
    return spread


# A process of the pool is handed functions and picklable arguments alone; what it has loaded can only live here.
_scorer: Scorer | None = None


def start_worker(job: Job) -> None:
    """Load the model. Ctrl-C is the parent's affair; a parent that is gone takes this process with it."""
    global _scorer  # noqa: PLW0603 - as above
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    _scorer = Scorer.load(job)


def score_in_worker(payload: bytes) -> tuple[bytes, dict[int, str]]:
    """One batch as an Arrow stream in, its answers as one out."""
    if _scorer is None:
        raise RuntimeError("start_worker has not run in this process")
    with pa.ipc.open_stream(payload) as stream:
        scored = _scorer.score(stream.read_next_batch())
    return as_stream(scored.answers), scored.reasons


def as_stream(batch: pa.RecordBatch) -> bytes:
    """A batch as bytes, without what a slice leaves out."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
