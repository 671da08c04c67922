"""An event loop in a thread of its own, for servers that synchronous tests talk to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["LoopThread"]

_DEADLINE_S = 10


class LoopThread:
    """Runs from `begin` to `end`; both wait for what they are given to run there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def begin(self, first: Coroutine[Any, Any, None]) -> None:
        """Start, and run this before anything else."""
        self._thread.start()
        self.run(first)

    def end(self, last: Coroutine[Any, Any, None]) -> None:
        """Run this as the last thing."""
        self.run(last)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_DEADLINE_S)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it there, and wait for its end."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_DEADLINE_S)

    def soon(self, call: Callable[[], object]) -> None:
        """Call it there, and do not wait."""
        self._loop.call_soon_threadsafe(call)
