"""Writes of a leader that froze with requests on their way: they reach the apiserver after its successor has acted.

The guard of the lease cannot help here, as the requests have left the process; only the preconditions in them can. Used by the tests and by
`make verify-operator`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.api_only import ApiOnlyCluster
from support.leaders import quiet_versions
from support.operator_process import OperatorProcess, eventually
from support.proxy import Fault, Write
from support.stage import Stage, a_model, stage

__all__ = ["KINDS", "Late", "late_writes"]

KINDS: Mapping[str, tuple[str, str]] = {
    "status": ("PUT", "/bankmodels/{}/status"),
    "table": ("PATCH", "/configmaps/{}-routing"),
    "selector": ("PATCH", "/services/{}"),
    "replicas": ("PATCH", "/deployments/{}-"),
    "retirement": ("DELETE", "/deployments/{}-"),
}
"""A model for each kind of write that a stale leader must not win: its name, then method and path of the first such write of an update."""

_DEADLINE_S = 60.0


@dataclass(frozen=True)
class Late:
    """The apiserver's answer to each late write, what changed by them, and how the old leader ended when it woke."""

    codes: Mapping[str, int]
    changed: tuple[str, ...]
    exit_code: int


def late_writes(api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, folder: Path) -> Late:
    """The leader freezes with one write of each kind on its way. Its successor ends the update, then the user takes it back."""
    release = threading.Event()
    with stage(api, kubectl, namespace, folder, BANKMODEL_WORKERS="8") as it:
        _all(it, "1")
        held = _hold(it, release)
        for name in KINDS:
            it.apply(a_model(name, namespace, version="2"))
        eventually(
            lambda: held.keys() == KINDS.keys(), deadline_s=_DEADLINE_S, what=f"a write of each kind, not {held}"
        )
        it.operator.freeze()
        with _successor(it, folder):
            _all(it, "2")
            _all(it, "1")
            before = quiet_versions(it, *KINDS)
            release.set()
            eventually(lambda: all(write.code for write in held.values()), what="the late writes are answered")
            it.operator.wake()
            code = it.operator.exit_code(_DEADLINE_S)
            after = quiet_versions(it, *KINDS)
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return Late({name: write.code for name, write in held.items()}, tuple(changed), code)


def _all(it: Stage, version: str) -> None:
    for name in KINDS:
        it.apply(a_model(name, it.namespace, version=version))
    for name in KINDS:
        it.reaches(name, version, deadline_s=_DEADLINE_S)


def _hold(it: Stage, release: threading.Event) -> dict[str, Write]:
    """From now on the first write of its kind for each model waits for `release` on its way to the apiserver."""
    held: dict[str, Write] = {}

    def fault(write: Write) -> Fault:
        for name, (method, path) in KINDS.items():
            is_it = write.method == method and path.format(name) in write.path
            if is_it and name not in held:
                held[name] = write
                return Fault(hold=release)
        return Fault()

    it.settles()
    it.proxy.fault = fault
    return held


def _successor(it: Stage, folder: Path) -> OperatorProcess:
    return OperatorProcess(it.api.kubeconfig, folder, instance="operator-b", settings=dict(it.operator.settings))
