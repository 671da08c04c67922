"""`bankmodel score` as a process of its own: its exit code, its memory, the processes it starts."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ended", "children_of", "is_alive", "run_score", "start_score", "wait_until"]

DEADLINE_S = 120.0
# Not ru_maxrss: a process begins with the peak of the one that started it.
_LAUNCHER = """
from bankmodel.cli import main
try:
    main()
finally:
    print(open("/proc/self/status").read())
"""


@dataclass(frozen=True)
class Ended:
    """How it ended. `peak_mib` is the most memory the main process had."""

    code: int
    said: str
    peak_mib: float


def start_score(*words: object, before: str = "") -> "subprocess.Popen[str]":
    """Start it, with some lines of Python BEFORE; the caller waits for it or ends it."""
    command = [sys.executable, "-c", before + _LAUNCHER, "score", *map(str, words)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_score(*words: object, before: str = "") -> Ended:
    """Run it to its end."""
    process = start_score(*words, before=before)
    status, said = process.communicate(timeout=DEADLINE_S)
    (peak_kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return Ended(process.returncode, said, int(peak_kib) / 1024)


def children_of(pid: int) -> list[int]:
    """The processes it has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether it runs; a process that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold before the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
