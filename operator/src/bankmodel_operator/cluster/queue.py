"""The work queue between watches and workers, with the rules of client-go's.

A key is queued once however often it is added; it is never with two workers at once; added while being worked on, it is
worked on again; of several planned wake-ups in a lane the earliest counts; failures back off per key. Which key comes
first is up to `lanes`.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Callable
from datetime import timedelta

from bankmodel_operator.cluster.lanes import Key, Lane, Lanes

__all__ = ["Key", "Lane", "WorkQueue"]

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
        self._lanes = Lanes()
        self._waits: asyncio.Queue[None] = asyncio.Queue()
        """As many as there are keys in the lanes."""
        self._dirty: dict[Key, Lane] = {}
        self._working: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._due: dict[tuple[Key, Lane], float] = {}
        self._heap: list[tuple[float, Key, Lane]] = []
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._lanes)

    def add(self, key: Key, lane: Lane = Lane.MOVING) -> None:
        """Work on the key as soon as a worker is free."""
        asked = self._dirty.get(key)
        if self._closed or (asked is not None and asked <= lane):
            return
        self._dirty[key] = lane
        if key not in self._working:
            self._queue(key, lane)

    def add_after(self, key: Key, delay: timedelta, lane: Lane = Lane.MOVING) -> None:
        """Work on the key after the delay, unless an earlier moment is planned already."""
        due = self._clock() + max(0.0, delay.total_seconds())
        if self._due.get((key, lane), float("inf")) <= due:
            return
        self._due[key, lane] = due
        heapq.heappush(self._heap, (due, key, lane))
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
        await self._waits.get()
        key = self._lanes.take()
        self._working.add(key)
        self._dirty.pop(key, None)
        return key

    def done(self, key: Key) -> None:
        """The worker is finished with the key, well or not."""
        self._working.discard(key)
        if key in self._dirty and not self._closed:
            self._queue(key, self._dirty[key])

    def close(self) -> None:
        """Hand out no more keys."""
        self._closed = True
        self._lanes.clear()
        self._dirty.clear()
        while not self._waits.empty():
            self._waits.get_nowait()

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
            due, key, lane = self._heap[0]
            wait_s = due - self._clock()
            if wait_s > 0:
                return wait_s
            heapq.heappop(self._heap)
            if self._due.get((key, lane)) == due:  # else an earlier moment replaced this one
                del self._due[key, lane]
                self.add(key, lane)
        return None

    def _queue(self, key: Key, lane: Lane) -> None:
        before = len(self._lanes)
        self._lanes.put(key, lane)
        if len(self._lanes) > before:  # else it waited already, and has moved up
            self._waits.put_nowait(None)
