"""Starts and stops the cluster's processes. A process is only ever stopped if its id AND start time are the recorded ones.

Called by api_only and node; the records survive a crash of whoever wrote them, so that `down` finds everything.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .commands import environment
from .errors import ClusterError
from .paths import StateFolder
from .progress import tail

__all__ = [
    "Component",
    "Record",
    "all_still_run",
    "is_alive",
    "read_records",
    "start",
    "start_time",
    "stop",
    "stop_all",
]

_POLL_S = 0.02
_TERM_GRACE_S = 5.0
_KILL_GRACE_S = 5.0


@dataclass(frozen=True)
class Component:
    """One process of the cluster: a name (of its log too) and its command line."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Record:
    """What is kept of a started process: enough never to mistake another one for it."""

    name: str
    pid: int
    started: str


def start_time(pid: int) -> str | None:
    """The kernel's start time of PID (clock ticks since boot), or None when there is no such process (or a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def is_alive(record: Record) -> bool:
    """Whether exactly the recorded process still runs."""
    return start_time(record.pid) == record.started


def start(component: Component, state: StateFolder) -> None:
    """Start COMPONENT in a session of its own, its output in its log, and record it."""
    log = state.logs / f"{component.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            component.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=state.path,
            env=environment(component.env),
        )
    record = {"name": component.name, "pid": process.pid, "started": start_time(process.pid) or "gone"}
    (state.records / f"{component.name}.json").write_text(json.dumps(record))
    process.returncode = 0  # from here on it is known by its record; Popen would warn that nobody waits for it


def all_still_run(state: StateFolder) -> None:
    """Raise with the end of its log if a started component has ended; call it inside every wait."""
    for record in read_records(state):
        if not is_alive(record):
            raise ClusterError(f"{record.name} ended right after its start\n{tail(state.logs / f'{record.name}.log')}")


def read_records(state: StateFolder) -> list[Record]:
    """The recorded processes; a half-written record counts for nothing (its process is found by namespace and cgroup)."""
    records = []
    for file in sorted(state.records.glob("*.json")):
        try:
            records.append(Record(**json.loads(file.read_text())))
        except (ValueError, TypeError):
            continue
    return records


def stop(records: Iterable[Record]) -> None:
    """Ask RECORDS to end, then make them; returns when they are gone."""
    left = _signal_and_wait(list(records), signal.SIGTERM, _TERM_GRACE_S)
    left = _signal_and_wait(left, signal.SIGKILL, _KILL_GRACE_S)
    if left:
        raise ClusterError(f"these processes do not end: {', '.join(f'{r.name} ({r.pid})' for r in left)}")


def stop_all(state: StateFolder, *, in_order: Iterable[str] = ()) -> None:
    """Stop every recorded process, those named IN_ORDER first and one after the other."""
    records = {record.name: record for record in read_records(state)}
    for name in in_order:
        if name in records:
            stop([records.pop(name)])
    stop(records.values())


def _signal_and_wait(records: list[Record], number: signal.Signals, grace_s: float) -> list[Record]:
    """Send NUMBER to those alive and return those that outlive the grace."""
    for record in records:
        _signal(record, number)
    deadline = time.monotonic() + grace_s
    while (left := [record for record in records if _outlives(record)]) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return left


def _signal(record: Record, number: signal.Signals) -> None:
    if is_alive(record):
        try:
            os.kill(record.pid, number)
        except ProcessLookupError:
            return


def _outlives(record: Record) -> bool:
    _reap(record.pid)
    return is_alive(record)


def _reap(pid: int) -> None:
    """Collect the exit code if it is our own child, so that it does not stay a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
