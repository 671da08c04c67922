"""Finds and removes what a cluster left on the machine: after a clean stop, a crash or a half-finished start alike.

What counts as the cluster's own: processes recorded by us (id and start time), in its network namespace, in its cgroup;
mounts below its state folder; its namespace, its cgroup and its folder in /run by their unique name. Called by node.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import cgroups, network
from .commands import succeeds
from .errors import ClusterError
from .paths import StateFolder
from .processes import Record, is_alive, read_records, start_time, stop

__all__ = ["Leftovers", "find", "remove", "unmount_below"]

_UNMOUNT_TRIES = 5
_CGROUP_TRIES = 50


@dataclass(frozen=True)
class Leftovers:
    """What is there of a cluster."""

    processes: tuple[Record, ...]
    mounts: tuple[str, ...]
    cgroups: tuple[Path, ...]
    namespaces: tuple[str, ...]
    folders: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self.processes or self.mounts or self.cgroups or self.namespaces or self.folders)

    def describe(self) -> str:
        """One line a kind, for people."""
        named = [f"{record.name} ({record.pid})" for record in self.processes]
        kinds: dict[str, Iterable[object]] = {
            "processes": named,
            "mounts": self.mounts,
            "cgroups": self.cgroups,
            "namespaces": self.namespaces,
            "folders": self.folders,
        }
        listed = {kind: ", ".join(map(str, items)) for kind, items in kinds.items()}
        return "\n".join(f"  {kind}: {items}" for kind, items in listed.items() if items)


def find(state: StateFolder) -> Leftovers:
    """Look everywhere for what belongs to the cluster of STATE."""
    return Leftovers(
        processes=tuple(_processes(state)),
        mounts=tuple(_mounts_below(state.path)),
        cgroups=tuple(cgroups.remaining(state.identity)),
        namespaces=(state.identity,) if network.exists(state.identity) else (),
        folders=(state.run_folder,) if state.run_folder.exists() else (),
    )


def remove(state: StateFolder) -> None:
    """Stop and remove all of it; raises with what resists."""
    stop(_processes(state))
    unmount_below(state.path)
    _remove_cgroups(state.identity)
    network.delete(state.identity)
    shutil.rmtree(state.run_folder, ignore_errors=True)
    if left := find(state):
        raise ClusterError(f"could not remove everything of the cluster at {state.path}:\n{left.describe()}")


def _processes(state: StateFolder) -> list[Record]:
    """Recorded and found ones, without this command and its ancestors (`.cluster/run make cluster-down` is allowed)."""
    recorded = {record.pid: record for record in read_records(state) if is_alive(record)}
    found = _processes_in_namespace(state.identity) | cgroups.processes_in(state.identity)
    for pid in found - recorded.keys() - _ourselves():
        if started := start_time(pid):
            recorded[pid] = Record(_command_name(pid), pid, started)
    return list(recorded.values())


def _processes_in_namespace(identity: str) -> set[int]:
    if (wanted := _identity(network.namespace_file(identity))) is None:
        return set()
    return {pid for pid in _all_pids() if _identity(Path(f"/proc/{pid}/ns/net")) == wanted}


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _identity(namespace: Path) -> tuple[int, int] | None:
    """What tells one namespace from all others, or None when it is gone."""
    try:
        found = namespace.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _ourselves() -> set[int]:
    pids, pid = set(), os.getpid()
    while pid > 1:
        pids.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pids


def _command_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "?"


def _mounts_below(folder: Path) -> list[str]:
    """Mount points below FOLDER, the deepest first. /proc/mounts writes a blank as \\040."""
    points = [line.split()[1].replace("\\040", " ") for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def unmount_below(folder: Path) -> None:
    """Unmount lazily: what is busy goes when its last user does, and they were all stopped before."""
    for _ in range(_UNMOUNT_TRIES):
        points = _mounts_below(folder)
        if not points:
            return
        for point in points:
            succeeds(["umount", "--lazy", point])


def _remove_cgroups(identity: str) -> None:
    """A cgroup can be removed once the kernel has let go of its last process, a moment after that ended."""
    for _ in range(_CGROUP_TRIES):
        cgroups.remove(identity)
        if not cgroups.remaining(identity):
            return
        _kill_in_cgroup(identity)
        time.sleep(0.1)


def _kill_in_cgroup(identity: str) -> None:
    for pid in cgroups.processes_in(identity):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
