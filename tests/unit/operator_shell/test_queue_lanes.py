"""Which key is next: what has a reason of its own passes what is only looked at again, and none waits for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bankmodel_operator.cluster.lanes import Key, Lane, Lanes
from bankmodel_operator.cluster.queue import WorkQueue

A: Key = ("lending", "mortgage")
B: Key = ("lending", "cards")
C: Key = ("lending", "loans")
MANY: list[Key] = [("lending", f"model-{number}") for number in range(1000)]


def filled(*keys: tuple[Key, Lane]) -> Lanes:
    lanes = Lanes()
    for key, lane in keys:
        lanes.put(key, lane)
    return lanes


def taken(lanes: Lanes, count: int) -> list[Key]:
    return [lanes.take() for _ in range(count)]


def test_an_edit_passes_all_that_move_and_those_all_that_rest() -> None:
    rest, moving = [(key, Lane.ROUTINE) for key in MANY[:500]], [(key, Lane.MOVING) for key in MANY[500:]]
    lanes = filled(*rest, *moving, (A, Lane.EDITED))

    assert taken(lanes, 2) == [A, MANY[500]]


def test_a_key_that_becomes_urgent_moves_up_and_comes_once() -> None:
    lanes = filled((B, Lane.ROUTINE), (A, Lane.ROUTINE), (C, Lane.ROUTINE), (A, Lane.EDITED))

    assert taken(lanes, 3) == [A, B, C]
    assert len(lanes) == 0


def test_a_key_does_not_move_down() -> None:
    lanes = filled((B, Lane.MOVING), (A, Lane.EDITED), (A, Lane.ROUTINE))

    assert taken(lanes, 2) == [A, B]


@pytest.mark.parametrize("lane", list(Lane))
def test_in_a_lane_the_first_come_is_the_first_served(lane: Lane) -> None:
    assert taken(filled((B, lane), (A, lane), (B, lane)), 2) == [B, A]


@pytest.mark.parametrize("lane", [Lane.MOVING, Lane.ROUTINE])
def test_whoever_waits_longest_is_passed_three_times_at_most(lane: Lane) -> None:
    lanes = filled((B, lane))
    seen = []
    for key in MANY[:8]:
        lanes.put(key, Lane.EDITED)
        seen.append(lanes.take())

    assert seen.index(B) == 3


def test_what_moves_is_not_forgotten_between_edits_and_looks() -> None:
    lanes = filled(*((key, Lane.ROUTINE) for key in MANY[:4]), (B, Lane.MOVING))
    seen = []
    for key in MANY[4:40]:
        lanes.put(key, Lane.EDITED)
        seen.append(lanes.take())

    assert B in seen


def test_none_waits_and_none_is_given() -> None:
    with pytest.raises(ValueError, match="empty"):
        Lanes().take()


@pytest.mark.asyncio
async def test_a_key_that_became_urgent_while_worked_on_comes_back_urgent() -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.get()
    queue.add(A, Lane.ROUTINE)
    queue.add(B, Lane.ROUTINE)
    queue.add(A)
    queue.done(A)

    assert [await queue.get(), await queue.get()] == [A, B]


@pytest.mark.asyncio
async def test_a_look_planned_for_its_own_sake_is_not_lost_to_an_earlier_one_that_can_wait() -> None:
    now = [1000.0]
    queue = WorkQueue(clock=lambda: now[0])
    queue.add_after(A, timedelta(seconds=1), Lane.ROUTINE)
    queue.add_after(A, timedelta(seconds=5))
    for key in (B, *MANY):
        queue.add(key, Lane.ROUTINE)
    now[0] += 6
    timers = asyncio.create_task(queue.timers())
    await asyncio.sleep(0)

    assert [await queue.get(), await queue.get()] == [A, B]
    timers.cancel()
