"""Tests of the suite as an item: what they assert is the bar. Used where a figure would say no more than that they pass."""

import os
import subprocess
import sys

from system.place import CHECKOUT

__all__ = ["exit_code_of"]


def exit_code_of(tests: str, *, deadline_s: int, **environment: str) -> int:
    """Of pytest on these TESTS; what it printed is shown when it is not 0."""
    no_limit_of_its_own = ("--timeout", str(deadline_s))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *no_limit_of_its_own, tests]
    told = {**os.environ, "PYTHONPATH": "tests", **environment}
    ended = subprocess.run(
        command, cwd=CHECKOUT, env=told, timeout=deadline_s, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        print(ended.stdout[-6000:], file=sys.stderr)
    return ended.returncode
