"""One try of a mutant: the tests in a child of a process that has loaded what never changes, so that starting costs little.

One file after the other, so that a mutant that the first notices does not pay for reading the rest; and all that was compiled in the
try without a mutant is used again.
"""

import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import hypothesis.stateful  # noqa: F401  # loaded once, for all children
import pydantic  # noqa: F401
import pytest

__all__ = ["STEPS", "notices"]

STEPS = 400
"""Random steps of each property test: few, and cheap; what they miss, tests that say what they look for have to find."""
_DEADLINE_S = 1800
_PLUGINS = ("pytest_timeout", "pytest_asyncio.plugin", "_hypothesis_pytestplugin")


def notices(tree: Path, tests: Sequence[str], *, cpu_s: int, is_mutated: bool = True) -> bool:
    """Whether one of these tests fails, does not end in time, or cannot even be loaded."""
    child = os.fork()
    if not child:
        # two mutants of one size within a second would be told apart by nothing, so what they compile to is not kept
        sys.dont_write_bytecode = is_mutated
        os._exit(_tried(tree, tests, cpu_s))
    _, status = os.waitpid(child, 0)  # the child has a deadline of its own
    return status != 0


def _tried(tree: Path, tests: Sequence[str], cpu_s: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
    signal.alarm(_DEADLINE_S)
    os.chdir(tree)
    silence = os.open(tree / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "BANKMODEL_TRIAL_STEPS": str(STEPS)}
    sys.path[:0] = [str(tree / "operator/src"), str(tree / "tests")]
    flags = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=1", "--hypothesis-profile=first find")
    plugins = [word for name in _PLUGINS for word in ("-p", name)]
    return int(any(pytest.main([*flags, *plugins, each]) for each in tests))
