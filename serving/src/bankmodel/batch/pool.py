"""Scoring processes, fed with a bounded number of batches and read in order. Called by `score`."""

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Protocol

import pyarrow as pa

from bankmodel.batch.reading import Chunk
from bankmodel.batch.worker import Job, Scored, Scorer, as_stream, score_in_worker, start_worker
from bankmodel.errors import ScoringFailed

__all__ = ["Pool", "scoring_pool"]

_AHEAD = 2  # batches a worker may have waiting or scored: enough that none idles, few enough to hold in memory


class Pool(Protocol):
    """Scores chunks and hands back each with its answers, in the order they were read."""

    def in_order(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Scored]]: ...


@contextmanager
def scoring_pool(job: Job, workers: int) -> Iterator[Pool]:
    """Processes that have the model loaded; one worker is this process itself. They end with the block, at once if it fails."""
    if workers == 1:
        yield _Alone(Scorer.load(job))
        return
    # spawn: a fork would copy Arrow's threads in whatever state they are in
    spawn = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, spawn, initializer=start_worker, initargs=(job,))
    try:
        yield _Processes(executor, workers, job.columns)
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        executor.shutdown(wait=True, cancel_futures=True)
        raise
    executor.shutdown()


class _Alone:
    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def in_order(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Scored]]:
        for chunk in chunks:
            yield chunk, self._scorer.score(chunk.batch)


class _Processes:
    """At most `_AHEAD` chunks a worker and one are in memory."""

    def __init__(self, executor: ProcessPoolExecutor, workers: int, columns: tuple[str, ...]) -> None:
        self._executor = executor
        self._most = workers * _AHEAD + 1
        self._columns = columns

    def in_order(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Scored]]:
        waiting: deque[tuple[Chunk, Future[tuple[bytes, dict[int, str]]]]] = deque()
        try:
            for chunk in chunks:
                payload = as_stream(chunk.batch.select(self._columns))
                waiting.append((chunk, self._executor.submit(score_in_worker, payload)))
                if len(waiting) >= self._most:
                    yield _finished(*waiting.popleft())
            while waiting:
                yield _finished(*waiting.popleft())
        except BrokenProcessPool as error:
            raise ScoringFailed(
                "a scoring process ended, most likely for lack of memory; nothing was written: "
                "give it more, or lower --workers or --batch-rows"
            ) from error


def _finished(chunk: Chunk, future: "Future[tuple[bytes, dict[int, str]]]") -> tuple[Chunk, Scored]:
    payload, reasons = future.result()
    with pa.ipc.open_stream(payload) as stream:
        return chunk, Scored(stream.read_next_batch(), reasons)
