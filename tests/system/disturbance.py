"""Kills what a trial rests on, and cuts a pod off from the network. On the cluster of this project alone: it reaches for its processes.

A process is found by the cluster's own record of it, or by the pod's uid in its cgroup, so that nothing else is ever struck.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import control_plane, node_components
from cluster.node import start_inside
from cluster.paths import StateFolder
from cluster.processes import Component, is_alive, read_records
from support.kubectl import Kubectl
from system.place import Place, SystemFailed

__all__ = ["cut_off", "inside", "kill_pod", "without_component"]

_COMPONENTS: Mapping[str, Callable[[StateFolder], Component]] = {
    "kubelet": node_components.kubelet,
    "apiserver": lambda state: control_plane.apiserver(state, node_components.ENDS),
}
_SANDBOX = ("pause", "busybox")
"""What the cluster's sandbox image runs to hold a pod's network."""
_DEADLINE_S = 60.0
_POLL_S = 0.1
_CHAIN = "add chain inet cut {name} {{ type filter hook {name} priority 0; policy drop; }}"
_DROP = "\n".join(["add table inet cut", *(_CHAIN.format(name=name) for name in ("input", "output"))])


@contextmanager
def without_component(place: Place, name: str) -> Iterator[None]:
    """Kill a component of the cluster; it is started anew at the end, and answers by then."""
    state = place.state
    record = next(each for each in read_records(state) if each.name == name)
    os.kill(record.pid, signal.SIGKILL)
    _wait(lambda: not is_alive(record), f"{name} has ended")
    try:
        yield
    finally:
        start_inside(state, _COMPONENTS[name](state))
        _wait(lambda: _answers(place.kubectl), "the API server answers")


def kill_pod(pod: Mapping[str, Any]) -> int:
    """End the processes of the pod's containers at once, as a crash would; how many."""
    pids = _processes_of(pod)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def inside(pod: Mapping[str, Any]) -> list[str]:
    """The words before a command that run it in the pod's network and files, without the API server and the kubelet."""
    return ["nsenter", f"--target={_processes_of(pod)[0]}", "--net", "--mount", "--"]


@contextmanager
def cut_off(place: Place, pod: Mapping[str, Any]) -> Iterator[None]:
    """Nothing reaches the pod and nothing leaves it, its own loopback included."""
    network = f"--net=/proc/{_processes_of(pod)[0]}/ns/net"
    _run(place, ["nsenter", network, "nft", _DROP])
    try:
        yield
    finally:
        _run(place, ["nsenter", network, "nft", "delete table inet cut"])


def _processes_of(pod: Mapping[str, Any]) -> list[int]:
    """Those of its containers, without the one that only holds its network."""
    uid = str(pod["metadata"]["uid"])
    marks = (uid, uid.replace("-", "_"))
    found = [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit()
        and any(mark in _read(folder / "cgroup") for mark in marks)
        and Path(_read(folder / "cmdline").split("\0")[0]).name not in _SANDBOX
        and _read(folder / "cmdline")
    ]
    if not found:
        raise SystemFailed(
            f"pod {pod['metadata']['name']} has no process here: this works on the project's own cluster only"
        )
    return sorted(found)


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _run(place: Place, words: list[str]) -> None:
    done = place.run(words)
    if done.returncode != 0:
        raise SystemFailed(f"{' '.join(words)[:120]} failed: {done.stderr.strip()}")


def _answers(kubectl: Kubectl) -> bool:
    return kubectl("--request-timeout=2s", "get", "--raw", "/readyz", check=False).returncode == 0


def _wait(look: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + _DEADLINE_S
    while not look():
        if time.monotonic() > ends:
            raise SystemFailed(f"within {_DEADLINE_S:g} s it was not so that {what}")
        time.sleep(_POLL_S)
