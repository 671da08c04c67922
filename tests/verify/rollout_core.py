"""Item 1 of `make verify-rollout`: whatever happens and in whatever order, the core's rules hold; 100,000 steps of random lives."""

import os
import resource
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from threading import Timer

from system.place import CHECKOUT
from verify.lines import Line, exactly

__all__ = ["item_1"]

_TESTS = "tests/unit/operator_core/test_trial_properties.py"
_STEPS = 100_000
_DEADLINE_S = 3 * 3600
_PROGRESS = " steps"
_LAST_LINES = 400


def item_1() -> Iterator[Line]:
    """BANKMODEL_TRIAL_STEPS in the environment asks for more."""
    steps, before = os.environ.get("BANKMODEL_TRIAL_STEPS", str(_STEPS)), _processor_s()
    code = _run(steps)
    used = f"{_processor_s() - before:.0f} s of processor time"
    yield exactly(f"{int(steps):,} random steps of trials, {used}: exit code of the property test", code, 0)


def _run(steps: str) -> int:
    """The exit code of the test. How far it is is printed as it goes; what it says, where it fails."""
    no_limit_of_its_own = ("--timeout", str(_DEADLINE_S))
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *no_limit_of_its_own, _TESTS]
    environment = {**os.environ, "PYTHONPATH": "tests", "BANKMODEL_TRIAL_STEPS": steps}
    said: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True) as test:
        clock = Timer(_DEADLINE_S, test.kill)
        clock.start()
        for line in test.stdout or ():
            if line.rstrip().endswith(_PROGRESS):
                print(line, end="", flush=True)
            else:
                said.append(line)
        clock.cancel()
    if test.returncode:
        print("".join(said), file=sys.stderr)
    return test.returncode


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
