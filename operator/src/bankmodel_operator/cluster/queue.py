"""The work queue between watches and workers, with the rules of client-go's.

A key is queued once however often it is added; it is never with two workers at once; added while being worked on, it is
worked on again; of several planned wake-ups the earliest counts; failures back off per key.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Callable
from datetime import timedelta

__all__ = ["Key", "WorkQueue"]

Key = tuple[str, str]
_AT_ONCE = 5


class WorkQueue:
    """Single event loop, no threads. `timers()` must run as a task for the delayed keys."""

    def __init__(
        self,
        *,
        base: timedelta = timedelta(seconds=0.5),
        cap: timedelta = timedelta(minutes=5),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_s = base.total_seconds()
        self._cap_s = cap.total_seconds()
        self._clock = clock
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._dirty: set[Key] = set()
        self._working: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return self._ready.qsize()

    def add(self, key: Key) -> None:
        """Work on the key as soon as a worker is free."""
        if key in self._dirty or self._closed:
            return
        self._dirty.add(key)
        if key not in self._working:
            self._ready.put_nowait(key)

    def add_after(self, key: Key, delay: timedelta) -> None:
        """Work on the key after the delay, unless an earlier moment is planned already."""
        due = self._clock() + max(0.0, delay.total_seconds())
        if self._due.get(key, float("inf")) <= due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))
        self._changed.set()

    def retry(self, key: Key, *, at_once: bool = False, within: timedelta | None = None) -> timedelta:
        """Work on the key again after its back-off, which doubles with each failure in a row; returns the delay.

        `at_once` is for conflicts, which reading again cures: the first few in a row do not wait. `within`: about how long at
        most, where that is less than for other failures.
        """
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        if at_once and failures <= _AT_ONCE:
            self.add(key)
            return timedelta(0)
        # The exponent is bounded because 2**1100 is no float: a key may fail for weeks.
        cap_s = min(self._cap_s, within.total_seconds()) if within is not None else self._cap_s
        delay_s = min(cap_s, self._base_s * 2.0 ** min(failures - 1, 30)) * random.uniform(0.8, 1.2)
        delay = timedelta(seconds=delay_s)
        self.add_after(key, delay)
        return delay

    def forget(self, key: Key) -> None:
        """The key did well: its back-off starts anew."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """The next key; waits for ever once closed."""
        key = await self._ready.get()
        self._working.add(key)
        self._dirty.discard(key)
        return key

    def done(self, key: Key) -> None:
        """The worker is finished with the key, well or not."""
        self._working.discard(key)
        if key in self._dirty and not self._closed:
            self._ready.put_nowait(key)

    def close(self) -> None:
        """Hand out no more keys."""
        self._closed = True
        while not self._ready.empty():
            self._dirty.discard(self._ready.get_nowait())

    async def timers(self) -> None:
        """Moves delayed keys to the queue when their time has come; runs until cancelled."""
        while True:
            self._changed.clear()
            wait_s = self._promote()
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                continue

    def _promote(self) -> float | None:
        """Queue what is due; seconds until the next key is, None when none waits."""
        while self._heap:
            due, key = self._heap[0]
            wait_s = due - self._clock()
            if wait_s > 0:
                return wait_s
            heapq.heappop(self._heap)
            if self._due.get(key) == due:  # else an earlier moment replaced this one
                del self._due[key]
                self.add(key)
        return None
