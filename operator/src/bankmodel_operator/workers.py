"""N workers that take keys from the queue and run one pass each; what a pass ends with decides when the key comes back.

Made and ended by `__main__`. The only place with a catch-all: one model's surprise must not stop the others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bankmodel_operator.cluster.errors import Conflict, GiveUp, LeaseLost, Retry
from bankmodel_operator.cluster.queue import Key, WorkQueue

__all__ = ["Pass", "Workers"]

log = logging.getLogger(__name__)

Pass = Callable[[Key], Awaitable[timedelta | None]]
"""One pass over a model; answers when to come back without any event, None: not by itself."""
Report = Callable[[str, float], None]
"""Told how a pass ended and how many seconds it took."""

_PASS_DEADLINE_S = 60.0
_SICK = timedelta(seconds=10)
"""About how long to wait at most where the API server fails: passes may fail in a row though each gets a little further, and a canary
must not go unwatched for minutes. A thousand models and a dead API server make a hundred requests a second of it."""


class Workers:
    """`run` works until cancelled; `stop` lets the running passes finish."""

    def __init__(self, queue: WorkQueue, one_pass: Pass, *, count: int, report: Report) -> None:
        self._queue = queue
        self._pass = one_pass
        self._count = count
        self._report = report
        self._running: dict[Key, float] = {}
        self._finished = asyncio.Event()

    async def run(self) -> None:
        """Work on keys, `count` at a time."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._count):
                group.create_task(self._work())

    async def stop(self, deadline: timedelta) -> bool:
        """Take no more keys and wait for the running passes; False when some did not end in time."""
        self._queue.close()
        try:
            async with asyncio.timeout(deadline.total_seconds()):
                while self._running:
                    self._finished.clear()
                    await self._finished.wait()
        except TimeoutError:
            return False
        return True

    def busy_for(self) -> float:
        """Seconds the longest running pass has taken so far; 0 when idle."""
        return time.monotonic() - min(self._running.values()) if self._running else 0.0

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            self._running[key] = started = time.monotonic()
            try:
                result = await self._run_pass(key)
                self._report(result, time.monotonic() - started)
            finally:
                del self._running[key]
                self._finished.set()
                self._queue.done(key)

    async def _run_pass(self, key: Key) -> str:
        about = {"namespace": key[0], "model": key[1]}
        try:
            async with asyncio.timeout(_PASS_DEADLINE_S):
                again = await self._pass(key)
        except Conflict as error:
            self._queue.retry(key, at_once=True, within=_SICK)
            log.info("somebody wrote first, reading again", extra={**about, "error": str(error)})
            return "conflict"
        except LeaseLost as error:
            self._queue.retry(key, within=_SICK)  # where a renewal was only late, this process goes on leading
            log.error("pass stopped: %s", error, extra=about)
            return "lease_lost"
        except (Retry, TimeoutError) as error:
            delay = self._queue.retry(key, within=_SICK)
            told = str(error) or f"the pass took longer than {_PASS_DEADLINE_S:g} s"
            log.warning(
                "trying again later", extra={**about, "error": told, "delay_s": round(delay.total_seconds(), 1)}
            )
            return "retry"
        except GiveUp as error:
            self._queue.retry(key)
            log.error("cannot go on until somebody acts: %s", error, extra={**about, "object": error.target})
            return "refused"
        except Exception:
            self._queue.retry(key)
            log.exception("a pass failed in a way nobody foresaw", extra=about)
            return "error"
        self._queue.forget(key)
        if again is not None:
            self._queue.add_after(key, again)
        return "ok"
