"""One at a time: `up`/`down` of a cluster, building binaries, building images. The lock goes with its holder, also by kill -9.

Called by node, binaries and images.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .progress import say, wait_until

__all__ = ["exclusive"]


@contextmanager
def exclusive(file: Path, *, what: str, deadline_s: float) -> Iterator[int]:
    """Hold the lock FILE; while another has it, say that WHAT is awaited. Yields the descriptor, to be shared with a child."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        if not _is_taken(lock):
            say(f"waiting for {what} to end")
            wait_until(
                lambda: _is_taken(lock),
                what=f"the end of {what}",
                deadline_s=deadline_s,
                on_late=lambda: f"  `fuser -v {file}` names the process that holds it",
            )
        yield lock.fileno()


def _is_taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
