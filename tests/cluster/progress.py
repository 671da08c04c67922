"""The one line that tells a person what is happening and for how long. Called by everything that takes more than a second."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import DeadlinePassed

__all__ = ["say", "stage", "tail", "wait_until"]

_POLL_S = 0.1
_REPORT_EVERY_S = 15.0


def say(text: str) -> None:
    """Print one progress line at once, also into a pipe."""
    print(f"cluster: {text}", file=sys.stderr, flush=True)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Announce NAME and, when it is over, how long it took."""
    began = time.monotonic()
    say(f"{name} ...")
    yield
    say(f"{name}: done in {time.monotonic() - began:.1f} s")


def tail(log: Path, *, lines: int = 15) -> str:
    """The end of a log file, indented, for an error message."""
    if not log.exists():
        return f"  (no log at {log})"
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return f"  the end of {log}:\n" + "\n".join(f"  | {line[:400]}" for line in last)


def wait_until(
    is_true: Callable[[], bool], *, what: str, deadline_s: float, on_late: Callable[[], str], quiet: bool = False
) -> None:
    """Poll until IS_TRUE; past the deadline raise with what ON_LATE tells (the tail of the right log)."""
    began = time.monotonic()
    reported = began
    while not is_true():
        now = time.monotonic()
        if now - began > deadline_s:
            raise DeadlinePassed(f"{what} did not happen within {deadline_s:.0f} s\n{on_late()}")
        if now - reported > _REPORT_EVERY_S and not quiet:
            reported = now
            say(f"still waiting: {what} ({now - began:.0f} s of at most {deadline_s:.0f} s)")
        time.sleep(_POLL_S)
