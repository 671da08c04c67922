"""Who may wait, on a simulated server: a loop that reads all that is ready, then scores a batch, then looks again."""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from bankmodel_serving.admission import Admission

# Microseconds of a core; a refusal costs half of what a score of a small model costs, as measured (ADR 15).
POLL, READ, DECODE, REFUSE = 10e-6, 6e-6, 5e-6, 5e-6
SMALL, MIDDLE, LARGE = 9e-6, 90e-6, 5e-3
DEFAULT_S, TIGHT_S = 0.1, 0.0025
THINK_S = 20e-6


class _Callers(Protocol):
    def ready(self, now: float) -> list[float]:
        """When each request was sent that is there by `now`."""
        ...

    def next(self) -> float: ...

    def answered(self, now: float) -> None: ...


class _Open:
    """Requests come at their own rate, whatever becomes of them."""

    def __init__(self, rate: float) -> None:
        self._random = random.Random(1)
        self._rate = rate
        self._next = 0.0

    def ready(self, now: float) -> list[float]:
        found = []
        while self._next <= now:
            found.append(self._next)
            self._next += self._random.expovariate(self._rate)
        return found

    def next(self) -> float:
        return self._next

    def answered(self, now: float) -> None:
        pass


class _Closed:
    """Each caller sends its next request when it has its answer, a refusal too."""

    def __init__(self, count: int) -> None:
        self._sent = [index * 1e-6 for index in range(count)]

    def ready(self, now: float) -> list[float]:
        found = []
        while self._sent and self._sent[0] <= now:
            found.append(heapq.heappop(self._sent))
        return found

    def next(self) -> float:
        return self._sent[0]

    def answered(self, now: float) -> None:
        heapq.heappush(self._sent, now + THINK_S)


@dataclass
class _Server:
    """`stalls`: the share of turns in which the machine does something else for 3 ms."""

    admission: Admission
    score_s: float
    stalls: float = 0.0
    scored: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def run(self, callers: _Callers, seconds: float) -> None:
        chance = random.Random(2)
        waiting: deque[float] = deque()
        now = queued_at = 0.0
        while now < seconds:
            ready = callers.ready(now)
            if not ready and not waiting:
                now = callers.next()
                continue
            now += POLL + (3e-3 if chance.random() < self.stalls else 0.0)
            for sent in ready[:1024]:
                now += READ
                if waiting and not self.admission.admits(len(waiting), now):
                    now += REFUSE
                    self.refused.append(now - sent)
                    callers.answered(now)
                    continue
                now += DECODE
                queued_at = queued_at if waiting else now
                waiting.append(sent)
            served = min(64, len(waiting))
            for _ in range(served):
                now += self.score_s
                self.scored.append(now - waiting.popleft())
                callers.answered(now)
            self.admission.observe(served, now - queued_at, now)
            queued_at = now


def _run(callers: _Callers, target_s: float, score_s: float, *, seconds: float = 1.0, stalls: float = 0.0) -> _Server:
    server = _Server(Admission(target_s), score_s, stalls)
    server.run(callers, seconds)
    return server


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


def _capacity(score_s: float) -> float:
    return 1 / (READ + DECODE + score_s)


@pytest.mark.parametrize("score_s", [SMALL, MIDDLE], ids=["small", "middle"])
@pytest.mark.parametrize("target_s", [DEFAULT_S, 0.02])
def test_below_its_capacity_a_server_refuses_nobody_even_where_the_machine_stalls(
    score_s: float, target_s: float
) -> None:
    server = _run(_Open(0.5 * _capacity(score_s)), target_s, score_s, stalls=0.002)

    assert [] == server.refused


@pytest.mark.parametrize(("score_s", "seconds"), [(MIDDLE, 1.0), (LARGE, 10.0)], ids=["middle", "large"])
def test_at_twice_its_capacity_what_is_accepted_stays_quick_and_the_rest_is_told_at_once(
    score_s: float, seconds: float
) -> None:
    half = _run(_Open(0.5 * _capacity(score_s)), TIGHT_S, score_s, seconds=seconds)
    twice = _run(_Open(2 * _capacity(score_s)), TIGHT_S, score_s, seconds=seconds)

    assert _p99(twice.scored) <= 10 * _p99(half.scored)
    assert _p99(twice.refused) <= max(0.005, 10 * score_s)  # a batch that runs is not interrupted to refuse somebody
    assert len(twice.scored) >= 0.8 * seconds * _capacity(score_s)


def test_without_a_bound_on_time_the_queue_grows_for_as_long_as_the_overload_lasts() -> None:
    assert _p99(_run(_Open(2 * _capacity(MIDDLE)), float("inf"), MIDDLE).scored) > 0.4


def test_where_a_refusal_costs_half_a_score_it_holds_up_to_one_and_a_half_times_the_capacity() -> None:
    server = _run(_Open(1.5 * _capacity(SMALL)), TIGHT_S, SMALL)

    assert _p99(server.scored) <= 4 * TIGHT_S
    assert _p99(server.refused) <= 0.005


@pytest.mark.parametrize(("count", "score_s"), [(32, LARGE / 2), (256, MIDDLE), (1000, SMALL)])
def test_as_many_callers_as_a_server_answers_within_the_default_are_all_answered(count: int, score_s: float) -> None:
    assert [] == _run(_Closed(count), DEFAULT_S, score_s).refused


def test_of_a_slow_model_a_few_may_come_at_once() -> None:
    server = _run(_Closed(8), TIGHT_S, LARGE)

    assert [] == server.refused


def test_an_old_estimate_refuses_nobody() -> None:
    admission = Admission(0.01)
    admission.observe(1, 0.01, now=5.0)

    assert (False, True) == (admission.admits(100, now=5.5), admission.admits(100, now=6.5))


def test_one_stall_is_not_taken_for_a_slow_model() -> None:
    admission = Admission(0.01)
    for turn in range(100):
        admission.observe(1, 50e-6, now=turn * 1e-3)
    admission.observe(1, 0.5, now=0.6)

    assert admission.admits(150, now=0.6)


def test_a_model_that_became_slow_is_known_to_be_after_some_turns() -> None:
    admission = Admission(0.01)
    for turn in range(100):
        admission.observe(1, 50e-6 if turn < 50 else 1e-3, now=turn * 1e-3)

    assert (True, False) == (admission.admits(9, now=0.1), admission.admits(11, now=0.1))
