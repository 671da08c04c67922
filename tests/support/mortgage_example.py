"""`examples/mortgage`, run as its README says."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EXAMPLE", "Example", "run_example"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "mortgage"
_DEADLINE_S = 120.0
_OTHER_SEED = {**os.environ, "PYTHONHASHSEED": "1"}  # than this process has, which pytest leaves random


@dataclass(frozen=True)
class Example:
    """What train.py wrote and printed."""

    folder: Path
    printed: str


def run_example(folder: Path) -> Example:
    """Train both versions in a process of their own; a few seconds."""
    command = [sys.executable, str(EXAMPLE / "train.py"), "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE_S, check=True, env=_OTHER_SEED)
    return Example(folder, done.stdout)
