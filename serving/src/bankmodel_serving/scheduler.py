"""The one owner of the queue: admits requests, drops those whose caller has left, scores the rest in batches.

A ticket is not a future. Its owner may leave at any moment and is then simply not called: a cancelled request can
neither break the batch it is part of nor stop the loop (which is what happens where a result is set on a cancelled
future). Called by the API on the event loop; big batches run on one worker thread.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Protocol

from bankmodel_serving.admission import Admission
from bankmodel_serving.batching import BatchLimits, Lane, next_batch
from bankmodel_serving.errors import DeadlineExceeded, InferenceFailed, Overloaded, RequestError
from bankmodel_serving.grouping import Content
from bankmodel_serving.tensors import Array

__all__ = ["Outcome", "Runner", "Scheduler", "Ticket"]

_LOG = logging.getLogger(__name__)
_MOST_LARGE = 32  # each holds its rows: 10,000 of 30 numbers are 1.2 MB
Outcome = Sequence[Array] | RequestError
_TURN_S = 0.001


class Runner(Protocol):
    """Scores. `run_small` runs on the loop and may reuse its buffers; `run_large` runs on a worker thread."""

    def run_small(self, parts: Sequence[Content], rows: int) -> Sequence[Array]: ...

    def run_large(self, content: Content) -> Sequence[Array]: ...


class Ticket:
    """One request in the queue. `done` is called at most once, and never after its owner has left."""

    __slots__ = ("content", "deadline", "done", "rows")

    def __init__(self, content: Content, rows: int, deadline: float, done: Callable[[Outcome], None] | None) -> None:
        self.content = content
        self.rows = rows
        self.deadline = deadline
        self.done = done

    def settle(self, outcome: Outcome) -> None:
        done, self.done = self.done, None
        if done is None:
            return
        try:
            done(outcome)
        except Exception:
            _LOG.exception("an answer could not be delivered")


class Scheduler:
    """Micro-batching per loop turn. `max_waiting` bounds the queue by count, `admission` by time."""

    def __init__(
        self,
        runner: Runner,
        limits: BatchLimits,
        *,
        max_waiting: int = 4096,
        admission: Admission | None = None,
        observe_s: Callable[[float], None] = lambda seconds: None,
        on_shed: Callable[[], None] = lambda: None,
    ) -> None:
        self._runner = runner
        self._limits = limits
        self._max_waiting = max_waiting
        self._admission = admission or Admission(float("inf"))
        self._queued_at = 0.0
        self._observe_s = observe_s
        self._on_shed = on_shed
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Ticket] = deque()
        self._large: deque[Ticket] = deque()
        self._running: Ticket | None = None
        self._is_armed = False
        self._has_dead = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-batch")

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._large)

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._large and self._running is None

    def admit(self) -> None:
        """Ask before the work of reading a request; raises Overloaded where it would wait too long."""
        waiting = len(self._waiting)
        if waiting and not self._admission.admits(waiting, perf_counter()):
            self._on_shed()
            limit_ms = 1000 * self._admission.target_s
            raise Overloaded(f"a request would wait longer than {limit_ms:g} ms now; try again or add replicas")

    def submit(self, ticket: Ticket) -> None:
        """Queue a request for the next batch; raises Overloaded when the queue is full."""
        if len(self._waiting) + len(self._large) >= self._max_waiting:
            raise Overloaded(f"{self._max_waiting} requests are waiting already; try again or add replicas")
        if not self._waiting:
            self._queued_at = perf_counter()
        self._waiting.append(ticket)
        if not self._is_armed:
            self._is_armed = True
            self._loop.call_soon(self._turn)

    def leave(self, ticket: Ticket) -> None:
        """The caller is gone: don't score it if it still waits, and don't call back."""
        ticket.done = None
        self._has_dead = True

    def expire(self, now: float) -> None:
        """Answer those that waited or ran beyond their deadline (loop time). The sweep calls this."""
        for queue in (self._waiting, self._large):
            for ticket in queue:
                if ticket.deadline <= now:
                    self._has_dead = True
                    ticket.settle(Overloaded("the request waited in the queue beyond its deadline; try again"))
        if self._running is not None and self._running.deadline <= now:
            self._running.settle(DeadlineExceeded("scoring took longer than the request timeout; send fewer rows"))

    def close(self) -> None:
        """Let the worker thread go. What still waits is answered as refused."""
        for queue in (self._waiting, self._large):
            while queue:
                queue.popleft().settle(Overloaded("the server is stopping"))
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _turn(self) -> None:
        """Score what waits, for about a millisecond; then let sockets be read, so that no answer waits for the queue.

        One batch is the rule. Models that can't be batched score one by one: a turn each had cost 100 µs in system calls.
        """
        self._is_armed = True  # requests that come by the answers given here wait for the next turn
        if self._has_dead:
            self._drop_dead()
        until = perf_counter() + _TURN_S
        served = 0
        while self._waiting:
            batch = next_batch((ticket.rows for ticket in self._waiting), self._limits)
            tickets = [self._waiting.popleft() for _ in range(batch.count)]
            if batch.lane is Lane.LOOP:
                self._score_small(tickets, batch.rows)
                served += batch.count
            else:
                self._score_large(tickets)
            now = perf_counter()
            if now > until:
                break
        if served:
            self._admission.observe(served, now - self._queued_at, now)
            self._queued_at = now
        self._is_armed = bool(self._waiting)
        if self._waiting:
            self._loop.call_soon(self._turn)

    def _drop_dead(self) -> None:
        self._has_dead = False
        self._waiting = deque(ticket for ticket in self._waiting if ticket.done is not None)

    def _score_small(self, tickets: Sequence[Ticket], rows: int) -> None:
        started = perf_counter()
        try:
            outputs = self._runner.run_small([ticket.content for ticket in tickets], rows)
        except Exception as error:
            self._score_apart(tickets, _as_request_error(error))
            return
        self._observe_s(perf_counter() - started)
        if len(tickets) == 1:
            tickets[0].settle(outputs)
            return
        at = 0
        for ticket in tickets:
            end = at + ticket.rows
            ticket.settle([array[at:end] for array in outputs])
            at = end

    def _score_apart(self, tickets: Sequence[Ticket], error: RequestError) -> None:
        """The batch failed: score each request alone, so that only the one at fault gets an error."""
        if len(tickets) == 1:
            tickets[0].settle(error)
            return
        for ticket in tickets:
            self._score_small([ticket], ticket.rows)

    def _score_large(self, tickets: Sequence[Ticket]) -> None:
        # Only the last of a batch can be the large one that took it over the limit, and it is alone by construction.
        for ticket in tickets:
            if len(self._large) < _MOST_LARGE:
                self._large.append(ticket)
            else:
                ticket.settle(
                    Overloaded(f"{_MOST_LARGE} large requests are waiting already; try again or add replicas")
                )
        self._start_large()

    def _start_large(self) -> None:
        while self._large and self._running is None:
            ticket = self._large.popleft()
            if ticket.done is not None:
                self._running = ticket
                future = self._loop.run_in_executor(self._worker, self._timed_large, ticket.content)
                future.add_done_callback(self._large_done)

    def _timed_large(self, content: Content) -> tuple[Sequence[Array], float]:
        started = perf_counter()
        return self._runner.run_large(content), perf_counter() - started

    def _large_done(self, future: "asyncio.Future[tuple[Sequence[Array], float]]") -> None:
        ticket, self._running = self._running, None
        if ticket is not None:
            ticket.settle(self._large_outcome(future))
        self._start_large()

    def _large_outcome(self, future: "asyncio.Future[tuple[Sequence[Array], float]]") -> Outcome:
        if future.cancelled():
            return Overloaded("the server is stopping")
        error = future.exception()
        if error is None:
            outputs, seconds = future.result()
            self._observe_s(seconds)
            return outputs
        return _as_request_error(error)


def _as_request_error(error: BaseException) -> RequestError:
    if isinstance(error, RequestError):
        return error
    _LOG.error("scoring failed", exc_info=error)
    return InferenceFailed("scoring failed; the server's log says why")
