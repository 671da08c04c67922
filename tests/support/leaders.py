"""Two replicas: who leads when one is killed, stopped or frozen. Used by the tests and by `make verify-operator`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cluster.api_only import ApiOnlyCluster
from support.operator_process import OperatorProcess, eventually
from support.proxy import Fault, Write
from support.stage import Stage, a_model, stage

__all__ = ["PRODUCTION", "Takeover", "Wakened", "quiet_versions", "stale_leader", "takeover"]

PRODUCTION = {
    "BANKMODEL_LEASE_DURATION": "15s",
    "BANKMODEL_RENEW_DEADLINE": "10s",
    "BANKMODEL_RETRY_PERIOD": "2s",
}
"""The defaults of settings.py."""

_DEADLINE_S = 60.0
_MODEL = "risk"


@dataclass(frozen=True)
class Takeover:
    """How long nobody led, and how often two were seen to lead among so many looks."""

    seconds: float
    looks: int
    double: int


@dataclass(frozen=True)
class Wakened:
    """What a frozen leader did when it woke: the objects that changed, and how it ended."""

    changed: tuple[str, ...]
    exit_code: int


def takeover(
    api: ApiOnlyCluster, namespace: str, folder: Path, how: Literal["kill", "stop"], settings: Mapping[str, str]
) -> Takeover:
    """Two replicas; the one that leads is killed or told to stop."""
    with _replica(api, namespace, folder, "operator-a", settings) as first:
        eventually(lambda: first.leads, deadline_s=_DEADLINE_S, what="the first leads")
        with _replica(api, namespace, folder, "operator-b", settings) as second:
            eventually(lambda: second.get("/readyz")[0] == 200, deadline_s=_DEADLINE_S, what="the second stands by")
            with _watched(first, second) as looks:
                began = time.monotonic()
                first.kill() if how == "kill" else first.stop()
                eventually(lambda: second.leads, deadline_s=_DEADLINE_S, what="the second leads")
                seconds = time.monotonic() - began
    return Takeover(round(seconds, 1), len(looks), sum(looks))


def stale_leader(api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, folder: Path) -> Wakened:
    """The leader freezes right after it saved the start of an update; its successor does that update and a further one."""
    with stage(api, kubectl, namespace, folder) as it:
        it.apply(a_model(_MODEL, namespace, version="1"))
        it.reaches(_MODEL, "1")
        it.settles()
        _freeze_at_the_next_save(it)
        with _replica(api, namespace, folder, "operator-b", {}) as successor:
            eventually(lambda: successor.leads, deadline_s=_DEADLINE_S, what="the successor leads")
            for version in ("2", "3"):
                it.apply(a_model(_MODEL, namespace, version=version))
                it.reaches(_MODEL, version, deadline_s=_DEADLINE_S)
            before = quiet_versions(it, _MODEL)
            it.operator.wake()
            code = it.operator.exit_code(_DEADLINE_S)
            after = quiet_versions(it, _MODEL)
    return Wakened(
        tuple(sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))), code
    )


def _freeze_at_the_next_save(it: Stage) -> None:
    frozen = threading.Event()

    def freeze() -> None:
        it.operator.freeze()
        frozen.set()

    def fault(write: Write) -> Fault:
        return Fault(after=freeze) if write.is_status and not frozen.is_set() else Fault()

    it.proxy.fault = fault
    it.apply(a_model(_MODEL, it.namespace, version="2"))
    assert frozen.wait(_DEADLINE_S), "the leader saved nothing after the update was applied"


def quiet_versions(it: Stage, *models: str) -> dict[str, str]:
    """The resourceVersions of these models and their children, once they have stayed the same for two seconds."""
    seen: list[tuple[float, dict[str, str]]] = [(time.monotonic(), _versions(it, models))]

    def is_quiet() -> bool:
        now = _versions(it, models)
        if now != seen[-1][1]:
            seen.append((time.monotonic(), now))
        return time.monotonic() - seen[-1][0] > 2.0

    eventually(is_quiet, deadline_s=_DEADLINE_S, what="the objects stay as they are")
    return seen[-1][1]


def _versions(it: Stage, models: tuple[str, ...]) -> dict[str, str]:
    objects = [each for model in models for each in (it.get("bankmodel", model), *it.children(model))]
    return {f"{each['kind']} {each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in objects}


@contextmanager
def _replica(
    api: ApiOnlyCluster, namespace: str, folder: Path, name: str, settings: Mapping[str, str]
) -> Iterator[OperatorProcess]:
    scope = {"BANKMODEL_NAMESPACES": namespace, "BANKMODEL_OPERATOR_NAMESPACE": namespace}
    with OperatorProcess(api.kubeconfig, folder, instance=name, settings={**scope, **settings}) as replica:
        yield replica


@contextmanager
def _watched(first: OperatorProcess, second: OperatorProcess) -> Iterator[list[bool]]:
    """Looks again and again; True where the first led before and after the second was seen to lead."""
    looks: list[bool] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            looks.append(first.leads and second.leads and first.leads)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join(_DEADLINE_S)
