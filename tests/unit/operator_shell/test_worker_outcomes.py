"""What each way a pass can end does to its key."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bankmodel_operator.cluster.errors import ClusterError, Conflict, Forbidden, LeaseLost, Refused, Unavailable
from bankmodel_operator.cluster.queue import Key, WorkQueue
from bankmodel_operator.workers import Workers

pytestmark = pytest.mark.asyncio

A: Key = ("lending", "mortgage")
B: Key = ("lending", "cards")


class Passes:
    """A pass that ends as scripted, then well; remembers the keys it was called with."""

    def __init__(self, *ends: Exception | timedelta | None) -> None:
        self.ends = list(ends)
        self.keys: list[Key] = []
        self.results: list[str] = []
        self.called = asyncio.Event()

    async def __call__(self, key: Key) -> timedelta | None:
        self.keys.append(key)
        end = self.ends.pop(0) if self.ends else None
        if isinstance(end, Exception):
            raise end
        return end

    def report(self, result: str, _seconds: float) -> None:
        self.results.append(result)
        self.called.set()

    async def finished(self, count: int) -> None:
        async with asyncio.timeout(2):
            while len(self.results) < count:
                self.called.clear()
                await self.called.wait()


async def worked(passes: Passes, count: int, *keys: Key) -> WorkQueue:
    queue = WorkQueue(base=timedelta(milliseconds=1))
    workers = Workers(queue, passes, count=2, report=passes.report)
    tasks = [asyncio.create_task(workers.run()), asyncio.create_task(queue.timers())]
    for key in keys:
        queue.add(key)
    await passes.finished(count)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return queue


async def test_a_pass_that_ends_well_is_not_repeated() -> None:
    passes = Passes()
    queue = await worked(passes, 1, A)

    assert (passes.results, len(queue)) == (["ok"], 0)


async def test_a_pass_comes_back_when_it_asked_to() -> None:
    passes = Passes(timedelta(milliseconds=5))
    await worked(passes, 2, A)

    assert passes.keys == [A, A]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Conflict("changed"), "conflict"),
        (Unavailable("503"), "retry"),
        (TimeoutError(), "retry"),
        (Forbidden("no right"), "refused"),
        (Refused("bad"), "refused"),
        (ValueError("surprise"), "error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_a_failed_pass_is_tried_again(error: Exception, result: str) -> None:
    passes = Passes(error)
    await worked(passes, 2, A)

    assert passes.results == [result, "ok"]


async def test_a_pass_stopped_by_a_late_renewal_is_tried_again() -> None:
    """The lease may be renewed a moment later; who really lost it ends anyway."""
    passes = Passes(LeaseLost("late"))
    await worked(passes, 2, A)

    assert passes.results == ["lease_lost", "ok"]


async def test_one_models_failure_does_not_stop_another() -> None:
    passes = Passes(ValueError("surprise"))
    await worked(passes, 3, A, B)

    assert sorted(passes.keys) == [B, A, A]


class Delays(WorkQueue):
    """Remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[timedelta] = []

    def retry(self, key: Key, *, at_once: bool = False, within: timedelta | None = None) -> timedelta:
        self.delays.append(super().retry(key, at_once=at_once, within=within))
        return self.delays[-1]


@pytest.mark.parametrize(
    ("error", "longest_s"),
    [(Unavailable("503"), 12), (Conflict("changed"), 12), (Refused("bad"), 360), (ValueError("surprise"), 360)],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_a_sick_api_server_leaves_no_canary_unwatched_for_minutes(error: Exception, longest_s: int) -> None:
    """However often in a row it failed before."""
    passes, queue = Passes(error), Delays()
    for _ in range(30):
        queue.retry(A)
    workers = asyncio.create_task(Workers(queue, passes, count=1, report=passes.report).run())
    queue.add(A)
    await passes.finished(1)
    workers.cancel()
    await asyncio.wait([workers])

    assert longest_s / 2 < queue.delays[-1].total_seconds() <= longest_s


async def test_success_resets_the_back_off() -> None:
    passes = Passes(ClusterError("x"), Unavailable("503"))
    queue = await worked(passes, 3, A)

    assert queue.retry(A) < timedelta(milliseconds=2)  # the first delay again


async def test_stopping_waits_for_the_running_pass() -> None:
    queue = WorkQueue()
    began, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def slow(key: Key) -> None:
        began.set()
        await may_end.wait()
        ended.append(key)

    workers = Workers(queue, slow, count=1, report=lambda *_: None)
    task = asyncio.create_task(workers.run())
    queue.add(A)
    queue.add(B)
    await began.wait()
    stopping = asyncio.create_task(workers.stop(timedelta(seconds=5)))
    await asyncio.sleep(0)
    may_end.set()

    assert await stopping is True
    assert ended == [A]
    task.cancel()


async def test_stopping_does_not_wait_for_ever() -> None:
    queue = WorkQueue()
    began = asyncio.Event()

    async def endless(_key: Key) -> None:
        began.set()
        await asyncio.Event().wait()

    workers = Workers(queue, endless, count=1, report=lambda *_: None)
    task = asyncio.create_task(workers.run())
    queue.add(A)
    await began.wait()

    assert workers.busy_for() > 0
    assert await workers.stop(timedelta(milliseconds=10)) is False
    task.cancel()


async def test_idle_workers_are_not_busy() -> None:
    async def nothing(_key: Key) -> None:
        return None

    assert Workers(WorkQueue(), nothing, count=1, report=lambda *_: None).busy_for() == 0.0
