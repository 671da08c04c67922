"""Runs a command to its end and turns a failure into one sentence. Called by everything that shells out."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import CommandFailed

__all__ = ["SYSTEM_PATH", "environment", "run", "succeeds"]

# Where Debian keeps what only root calls (nft, runc, ip); missing from the PATH of `su` without a dash.
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


def environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a command of ours gets: our environment, the system's folders on the PATH, and ADDED."""
    path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
    return {**os.environ, "PATH": path, **(added or {})}


def run(
    argv: Sequence[str | Path],
    *,
    deadline_s: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input_text: str | None = None,
) -> str:
    """Run ARGV and return what it printed; ENV is added to ours."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=False,
            cwd=cwd,
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            env=environment(env),
        )
    except FileNotFoundError as missing:
        raise CommandFailed(
            f"{words[0]}: not found; `python -m cluster prerequisites` says what to install"
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(f"`{' '.join(words)[:200]}` did not end within {deadline_s:.0f} s") from late
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-10:]
        raise CommandFailed(
            f"`{' '.join(words)[:200]}` failed with exit code {done.returncode}:\n  " + "\n  ".join(last)
        )
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, deadline_s: float = 10, env: Mapping[str, str] | None = None) -> bool:
    """Whether ARGV ends well in time; for polling."""
    try:
        run(argv, deadline_s=deadline_s, env=env)
    except CommandFailed:
        return False
    return True
