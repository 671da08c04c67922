"""Item 1 of `make verify-rollout`: whatever happens and in whatever order, the core's rules hold; 100,000 steps of random lives."""

import os
import subprocess
import sys
from collections.abc import Iterator

from system.place import CHECKOUT
from verify.lines import Line, exactly

__all__ = ["item_1"]

_TESTS = "tests/unit/operator_core/test_trial_properties.py"
_STEPS = 100_000
_DEADLINE_S = 3 * 3600


def item_1() -> Iterator[Line]:
    """BANKMODEL_TRIAL_STEPS in the environment asks for more."""
    steps = os.environ.get("BANKMODEL_TRIAL_STEPS", str(_STEPS))
    no_limit_of_its_own = ("--timeout", str(_DEADLINE_S))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *no_limit_of_its_own, _TESTS]
    environment = {**os.environ, "PYTHONPATH": "tests", "BANKMODEL_TRIAL_STEPS": steps}
    ended = subprocess.run(
        command, cwd=CHECKOUT, env=environment, timeout=_DEADLINE_S, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        print(ended.stdout[-6000:], file=sys.stderr)
    yield exactly(f"{int(steps):,} random steps of trials: exit code of the property test", ended.returncode, 0)
