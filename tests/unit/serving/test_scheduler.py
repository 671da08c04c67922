"""The queue and its owner: whoever leaves, wherever, the others get their own rows, and nobody is called twice."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import combinations
from time import perf_counter

import numpy as np
import pytest

from bankmodel_serving.admission import Admission
from bankmodel_serving.batching import BatchLimits
from bankmodel_serving.errors import DeadlineExceeded, InferenceFailed, Overloaded
from bankmodel_serving.grouping import Content, Packed
from bankmodel_serving.scheduler import Outcome, Scheduler, Ticket
from bankmodel_serving.tensors import Array

FOREVER = 1e12
DEADLINE_S = 10.0


class _Doubler:
    """Answers twice the input; fails on negative rows; counts batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.large: list[int] = []

    def run_small(self, parts: Sequence[Content], rows: int) -> Sequence[Array]:
        self.batches.append(rows)
        return [self._answer(np.concatenate([_first(part) for part in parts]))]

    def run_large(self, content: Content) -> Sequence[Array]:
        self.large.append(len(_first(content)))
        return [self._answer(_first(content))]

    @staticmethod
    def _answer(values: Array) -> Array:
        if (values < 0).any():
            raise InferenceFailed("negative")
        if (values == 13.5).any():
            raise ZeroDivisionError
        return values * 2


def _first(content: Content) -> Array:
    assert not isinstance(content, Packed)
    return content[0]


class _Caller:
    """Remembers every call back."""

    def __init__(self, values: Sequence[float], deadline: float = FOREVER) -> None:
        self.outcomes: list[object] = []
        array = np.array(values, dtype=np.float64)
        self.ticket = Ticket((array,), len(array), deadline, self._done)

    def _done(self, outcome: Outcome) -> None:
        self.outcomes.append(type(outcome) if isinstance(outcome, Exception) else outcome[0].tolist())


def _run(
    story: Callable[[Scheduler, _Doubler], Awaitable[None]],
    limits: BatchLimits,
    *,
    max_waiting: int = 4096,
    admission: Admission | None = None,
    runner: _Doubler | None = None,
) -> _Doubler:
    runner = runner or _Doubler()

    async def main() -> None:
        scheduler = Scheduler(runner, limits, max_waiting=max_waiting, admission=admission)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await story(scheduler, runner)
                while not scheduler.is_idle:
                    await asyncio.sleep(0)
        finally:
            scheduler.close()

    asyncio.run(main())
    return runner


def _submit_all(callers: Sequence[_Caller]) -> Callable[[Scheduler, _Doubler], Awaitable[None]]:
    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        for caller in callers:
            scheduler.submit(caller.ticket)

    return story


def test_what_is_ready_in_one_turn_is_scored_in_one_batch() -> None:
    callers = [_Caller([1]), _Caller([2, 3]), _Caller([4])]
    runner = _run(_submit_all(callers), BatchLimits())

    assert [4] == runner.batches
    assert [[[2.0]], [[4.0, 6.0]], [[8.0]]] == [caller.outcomes for caller in callers]


def test_a_model_that_may_not_coalesce_gets_one_request_at_a_time() -> None:
    callers = [_Caller([1]), _Caller([2, 3])]
    runner = _run(_submit_all(callers), BatchLimits(coalesce=False))

    assert [1, 2] == runner.batches


def test_large_requests_leave_the_loop_and_small_ones_do_not_wait_for_them() -> None:
    callers = [_Caller(range(20)), _Caller([1]), _Caller(range(30))]
    runner = _run(_submit_all(callers), BatchLimits(max_rows=4, large_rows=4))

    assert [20, 30] == runner.large
    assert [1] == runner.batches
    assert [[2.0 * value for value in range(30)]] == callers[2].outcomes


LEAVERS = [set(chosen) for size in range(5) for chosen in combinations(range(4), size)]


@pytest.mark.parametrize("leavers", LEAVERS, ids=str)
@pytest.mark.parametrize("sizes", [[1, 1, 1, 1], [1, 20, 1, 20]], ids=["small", "large among them"])
def test_whoever_leaves_before_scoring_the_others_get_their_own_answer(leavers: set[int], sizes: list[int]) -> None:
    callers = [_Caller([index + 1.0] * size) for index, size in enumerate(sizes)]

    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        for caller in callers:
            scheduler.submit(caller.ticket)
        for index in leavers:
            scheduler.leave(callers[index].ticket)

    runner = _run(story, BatchLimits(max_rows=4, large_rows=4))
    expected = [[] if index in leavers else [[2.0 * (index + 1)] * size] for index, size in enumerate(sizes)]

    assert expected == [caller.outcomes for caller in callers]
    assert sum(runner.batches) + sum(runner.large) == sum(s for i, s in enumerate(sizes) if i not in leavers)


@pytest.mark.parametrize("leaver", range(4))
def test_a_caller_that_leaves_while_others_are_answered_breaks_nothing(leaver: int) -> None:
    callers = [_Caller([index + 1.0]) for index in range(4)]

    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        first = callers[0].ticket
        answer = first.done
        assert answer is not None

        def leave_then_answer(outcome: Outcome) -> None:
            scheduler.leave(callers[leaver].ticket)
            answer(outcome)

        first.done = leave_then_answer
        for caller in callers:
            scheduler.submit(caller.ticket)

    _run(story, BatchLimits())
    expected = [[] if index == leaver and leaver != 0 else [[2.0 * (index + 1)]] for index in range(4)]

    assert expected == [caller.outcomes for caller in callers]


def test_a_caller_that_fails_costs_the_others_nothing() -> None:
    callers = [_Caller([1]), _Caller([2]), _Caller([3])]

    def fail(_: Outcome) -> None:
        raise RuntimeError("a bug in delivery")

    callers[1].ticket.done = fail
    _run(_submit_all(callers), BatchLimits())

    assert [[[2.0]], [], [[6.0]]] == [caller.outcomes for caller in callers]


@pytest.mark.parametrize("poison", [-1.0, 13.5], ids=["refused by the model", "a bug in the engine"])
@pytest.mark.parametrize("position", range(3))
def test_only_the_request_at_fault_gets_the_error(poison: float, position: int) -> None:
    callers = [_Caller([poison if index == position else 1.0]) for index in range(3)]
    _run(_submit_all(callers), BatchLimits())
    expected = [[InferenceFailed] if index == position else [[2.0]] for index in range(3)]

    assert expected == [caller.outcomes for caller in callers]


def test_a_large_request_at_fault_gets_the_error() -> None:
    callers = [_Caller([-1.0] * 20), _Caller([13.5] * 20), _Caller([1.0] * 20)]
    _run(_submit_all(callers), BatchLimits(max_rows=4, large_rows=4))

    assert [[InferenceFailed], [InferenceFailed], [[2.0] * 20]] == [caller.outcomes for caller in callers]


def test_a_full_queue_refuses_at_once() -> None:
    callers = [_Caller([1]), _Caller([2]), _Caller([3])]

    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        scheduler.submit(callers[0].ticket)
        scheduler.submit(callers[1].ticket)
        with pytest.raises(Overloaded, match="2 requests are waiting"):
            scheduler.submit(callers[2].ticket)

    _run(story, BatchLimits(), max_waiting=2)

    assert [[[2.0]], [[4.0]], []] == [caller.outcomes for caller in callers]


def test_large_requests_that_wait_are_few_for_each_holds_its_rows() -> None:
    callers = [_Caller([1.0] * 20) for _ in range(60)]
    runner = _run(_submit_all(callers), BatchLimits(max_rows=4, large_rows=4))
    refused = [caller for caller in callers if caller.outcomes == [Overloaded]]

    assert 60 == len(runner.large) + len(refused)
    assert 20 <= len(refused)


def test_who_would_wait_too_long_is_refused_before_anything_is_read() -> None:
    callers = [_Caller([index]) for index in range(9)]

    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        for caller in callers[:8]:
            scheduler.admit()
            scheduler.submit(caller.ticket)
        with pytest.raises(Overloaded, match=r"would wait longer than 0\.5 ms"):
            scheduler.admit()

    admission = Admission(0.0005)
    admission.observe(1, 1.0, now=perf_counter())
    _run(story, BatchLimits(), admission=admission)

    assert [[[2.0 * index]] for index in range(8)] == [caller.outcomes for caller in callers[:8]]


def test_the_time_that_requests_take_is_learned() -> None:
    admission = Admission(0.0005)

    class _Slow(_Doubler):
        def run_small(self, parts: Sequence[Content], rows: int) -> Sequence[Array]:
            time.sleep(0.001)
            return super().run_small(parts, rows)

    _run(_submit_all([_Caller([1])]), BatchLimits(), admission=admission, runner=_Slow())

    assert not admission.admits(9, perf_counter())


def test_waiting_beyond_the_deadline_is_answered_and_not_scored() -> None:
    late, on_time = _Caller([1], deadline=5.0), _Caller([2], deadline=9.0)

    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        scheduler.submit(late.ticket)
        scheduler.submit(on_time.ticket)
        scheduler.expire(5.0)

    runner = _run(story, BatchLimits())

    assert ([Overloaded], [[4.0]]) == (late.outcomes, on_time.outcomes)
    assert [1] == runner.batches


def test_running_beyond_the_deadline_is_answered_once() -> None:
    slow = _Caller([1.0] * 20, deadline=5.0)

    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        scheduler.submit(slow.ticket)
        await asyncio.sleep(0)
        scheduler.expire(5.0)

    _run(story, BatchLimits(max_rows=4, large_rows=4))

    assert [DeadlineExceeded] == slow.outcomes


def test_stopping_answers_what_still_waits() -> None:
    caller = _Caller([1])

    async def story(scheduler: Scheduler, _: _Doubler) -> None:
        scheduler.submit(caller.ticket)
        scheduler.close()

    _run(story, BatchLimits())

    assert [Overloaded] == caller.outcomes
