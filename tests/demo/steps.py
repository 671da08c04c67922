"""How the demo tells what it does: one line a step, with its time, and a last line with the times that matter."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["say", "step"]


def say(text: str = "") -> None:
    """One line, at once, also into a pipe."""
    print(text, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce WHAT; say how long it took."""
    print(f"==> {what}", file=sys.stderr, flush=True)
    began = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
