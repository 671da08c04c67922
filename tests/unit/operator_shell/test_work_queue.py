"""The queue's promises, in real time but with delays of milliseconds, or with a clock set by hand."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta

import pytest

from bankmodel_operator.cluster.queue import Key, WorkQueue

pytestmark = pytest.mark.asyncio

A: Key = ("lending", "mortgage")
B: Key = ("lending", "cards")


class Clock:
    """Moves only when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_key_added_twice_is_worked_on_once() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(A)

    assert len(queue) == 1


async def test_a_key_being_worked_on_is_not_given_to_another_worker() -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.get()
    queue.add(A)

    assert len(queue) == 0


async def test_a_key_added_while_worked_on_comes_again() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(A)
    await queue.get()
    queue.add(A)
    queue.done(A)

    assert await queue.get() == A


async def test_a_finished_key_does_not_come_again_by_itself() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.done(await queue.get())

    assert len(queue) == 0


async def test_the_earliest_of_several_wake_ups_counts() -> None:
    clock = Clock()
    queue = WorkQueue(clock=clock)
    queue.add_after(A, timedelta(seconds=60))
    queue.add_after(A, timedelta(seconds=5))
    queue.add_after(A, timedelta(seconds=30))
    clock.now += 6
    timers = asyncio.create_task(queue.timers())

    assert await asyncio.wait_for(queue.get(), 1) == A
    timers.cancel()


async def test_a_replaced_wake_up_does_not_wake_again() -> None:
    clock = Clock()
    queue = WorkQueue(clock=clock)
    queue.add_after(A, timedelta(seconds=60))
    queue.add_after(A, timedelta(seconds=5))
    clock.now += 100
    timers = asyncio.create_task(queue.timers())
    queue.done(await asyncio.wait_for(queue.get(), 1))
    await asyncio.sleep(0)

    assert len(queue) == 0
    timers.cancel()


async def test_back_off_doubles_up_to_its_cap() -> None:
    queue = WorkQueue(base=timedelta(seconds=1), cap=timedelta(seconds=8))
    delays = [queue.retry(A).total_seconds() for _ in range(6)]

    assert delays == pytest.approx([1, 2, 4, 8, 8, 8], rel=0.21)


async def test_back_off_ends_sooner_where_that_is_asked() -> None:
    queue = WorkQueue(base=timedelta(seconds=1), cap=timedelta(seconds=8))
    delays = [queue.retry(A, within=timedelta(seconds=3)).total_seconds() for _ in range(4)]

    assert delays == pytest.approx([1, 2, 3, 3], rel=0.21)
    assert queue.retry(A).total_seconds() == pytest.approx(8, rel=0.21)


async def test_back_off_survives_thousands_of_failures() -> None:
    queue = WorkQueue(cap=timedelta(minutes=5))
    delays = [queue.retry(A).total_seconds() for _ in range(2000)]

    assert delays[-1] <= 360


async def test_success_ends_the_back_off() -> None:
    queue = WorkQueue(base=timedelta(seconds=1))
    queue.retry(A)
    queue.retry(A)
    queue.forget(A)

    assert queue.retry(A).total_seconds() == pytest.approx(1, rel=0.21)


async def test_keys_back_off_apart_from_each_other() -> None:
    queue = WorkQueue(base=timedelta(seconds=1))
    queue.retry(A)
    queue.retry(A)

    assert queue.retry(B).total_seconds() == pytest.approx(1, rel=0.21)


async def test_conflicts_are_tried_at_once_but_not_for_ever() -> None:
    queue = WorkQueue(base=timedelta(seconds=1))
    delays = [queue.retry(A, at_once=True).total_seconds() for _ in range(6)]

    assert delays[:5] == [0, 0, 0, 0, 0]
    assert delays[5] > 0


async def test_a_closed_queue_hands_out_nothing_more() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.close()
    queue.add(B)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.01)


async def test_a_key_worked_on_at_closing_does_not_come_again() -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.get()
    queue.add(A)
    queue.close()
    queue.done(A)

    assert len(queue) == 0


async def test_under_random_load_no_key_overlaps_and_no_change_is_missed() -> None:
    queue = WorkQueue(base=timedelta(milliseconds=1), cap=timedelta(milliseconds=4))
    dice = random.Random(7)
    keys = [("n", str(number)) for number in range(10)]
    versions: Counter[Key] = Counter()
    seen: Counter[Key] = Counter()
    working: set[Key] = set()
    overlaps: list[Key] = []

    async def worker() -> None:
        while True:
            key = await queue.get()
            overlaps.extend({key} & working)
            working.add(key)
            version = versions[key]
            await asyncio.sleep(dice.random() / 2000)
            working.discard(key)
            if dice.random() < 0.2:
                queue.retry(key)
            else:
                seen[key] = version
                queue.forget(key)
            queue.done(key)

    tasks = [asyncio.create_task(worker()) for _ in range(4)] + [asyncio.create_task(queue.timers())]
    for _ in range(500):
        key = dice.choice(keys)
        versions[key] += 1
        queue.add(key)
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while seen != versions:
            await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()

    assert overlaps == []
