"""`python -m cluster.watchdog FOLDER`: waits for the end of its standard input, then stops what FOLDER records and removes it.

Started by api_only. A test run that is killed closes the pipe without a word; this is what cleans up after it.
"""

import sys
from pathlib import Path

from .paths import StateFolder
from .processes import stop_all

__all__ = ["main"]


def main(folder: str) -> None:
    """Wait, stop, remove. Nothing to do when the owner already did."""
    sys.stdin.buffer.read()
    state = StateFolder(Path(folder))
    if state.path.exists():
        stop_all(state)
        state.remove()


if __name__ == "__main__":
    main(sys.argv[1])
