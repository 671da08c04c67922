"""Trouble during whole rollouts and rollbacks: between operator and API server, in watches, crashes, and leaders that freeze.

Each function runs a promotion and a rollback under its trouble, and answers what an observer saw that must never be. Used by tests in short
and by `make verify-rollout` in full.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cluster.api_only import ApiOnlyCluster
from support.crashes import struck
from support.operator_process import OperatorProcess, eventually
from support.proxy import Fault, Write
from support.trials import BAD, GOOD, Trials, trials

__all__ = [
    "FAULTS",
    "RESYNC",
    "SHORT_LEASES",
    "WATCHES",
    "Frozen",
    "frozen_leader",
    "killed",
    "under_faults",
    "under_watch_trouble",
    "writes_of_a_trial",
]

FAULTS: Mapping[str, Fault] = {
    "delayed": Fault(delay_s=1.0),
    "conflicting": Fault(refuse=409),
    "throttled": Fault(refuse=429),
    "broken": Fault(refuse=500),
    "cut": Fault(cut=True),
    "unanswered": Fault(lose_answer=True),
}
"""By the name of the model whose writes they meet."""
WATCHES: tuple[Literal["severed", "silent"], ...] = ("severed", "silent")
SHORT_LEASES = {
    "BANKMODEL_LEASE_DURATION": "6s",
    "BANKMODEL_RENEW_DEADLINE": "4s",
    "BANKMODEL_RETRY_PERIOD": "500ms",
}
"""Who is started again, or stands by, need not wait long; and a busy machine is still no failed leader."""
RESYNC = {"BANKMODEL_RESYNC": "5s"}
"""Where watches say nothing, only the periodic look at every model is left."""
_DEADLINE_S = 240.0


def promotion_and_rollback(it: Trials, *names: str) -> None:
    """All at the same time: a good model up the ladder, then a bad one taken back. Fails where one does not get there."""
    for name in names:
        it.it.apply(it.model(name, GOOD))
    for name in names:
        it.ends_promoted(name, GOOD, deadline_s=_DEADLINE_S)
    it.pods.failing[BAD] = 0.5
    for name in names:
        it.it.apply(it.model(name, BAD))
    for name in names:
        it.ends_rolled_back(name, BAD, deadline_s=_DEADLINE_S)


# Between operator and API server


@dataclass
class Trouble:
    """Lets each model's own fault meet every so many of its writes; `met` counts them."""

    every: int
    seen: dict[str, int] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)

    def __call__(self, write: Write) -> Fault:
        name = next((name for name in FAULTS if f"/{name}" in write.path or f'"{name}'.encode() in write.body), "")
        self.seen[name] = self.seen.get(name, 0) + 1
        if not name or self.seen[name] % self.every != 1 % self.every:
            return Fault()
        self.met[name] = self.met.get(name, 0) + 1
        return FAULTS[name]


def under_faults(it: Trials, *, every: int) -> Trouble:
    """Each model meets its own kind of fault at every so many of its writes; watches say everything twice meanwhile."""
    trouble = Trouble(every)
    for name in FAULTS:
        it.serves(name)
    it.it.proxy.repeats_of_an_event = 2
    try:
        with _faults(it, trouble):
            promotion_and_rollback(it, *FAULTS)
    finally:
        it.it.proxy.repeats_of_an_event = 1
    return trouble


def under_watch_trouble(it: Trials, kind: Literal["severed", "silent"]) -> None:
    """Watches are cut again and again, or say nothing."""
    it.serves(kind)
    over = threading.Event()
    it.it.proxy.repeats_of_an_event = 0 if kind == "silent" else 1
    cutter = threading.Thread(target=_sever_often, args=(it, over), daemon=True)
    if kind == "severed":
        cutter.start()
    try:
        promotion_and_rollback(it, kind)
    finally:
        it.it.proxy.repeats_of_an_event = 1
        over.set()
        if cutter.is_alive():
            cutter.join(10)


def _sever_often(it: Trials, over: threading.Event) -> None:
    while not over.wait(0.5):
        it.it.proxy.sever_watches()


# Crashes


def writes_of_a_trial(it: Trials, name: str) -> int:
    """How many writes a promotion and a rollback take without trouble."""
    it.serves(name)
    before = len(it.it.proxy.writes)
    promotion_and_rollback(it, name)
    return len(it.it.proxy.writes) - before


def killed(it: Trials, name: str, is_fatal: Callable[[int], bool]) -> int:
    """The operator is killed at these writes of a promotion and a rollback; how often it was."""
    it.serves(name)
    it.it.settles()
    with struck(it.it, is_fatal) as strikes:
        promotion_and_rollback(it, name)
    return strikes.count


# Leaders that freeze


@dataclass(frozen=True)
class Frozen:
    """What came of a leader that froze at a write and woke when its successor had ended the rollout: the API server's answer to the
    write that was on its way (0: none was), the codes of all that it wrote after it woke, and its exit code."""

    late: int
    codes: tuple[int, ...]
    exit_code: int


def frozen_leader(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], place: tuple[str, Path], at: Collection[int], version: str
) -> Iterator[tuple[int, Frozen, list[str]]]:
    """For each number of a write: the leader freezes at it, in odd ones with the write on its way, in even ones after it was done."""
    namespace, folder = place
    with trials(api, kubectl, namespace, folder, **SHORT_LEASES) as it:
        it.pods.failing[BAD] = 0.5
        for number in at:
            name = f"frozen-{number}"
            it.serves(name)
            it.it.settles()
            seen = _frozen_at(it, name, number, version)
            yield number, seen, it.broken_rules()
            it.it.operator.start()
            eventually(lambda: it.it.operator.leads, deadline_s=_DEADLINE_S, what="the first leads again")


def _frozen_at(it: Trials, name: str, number: int, version: str) -> Frozen:
    release, frozen, start = threading.Event(), threading.Event(), len(it.it.proxy.writes)

    def freeze() -> None:
        it.it.operator.freeze()
        frozen.set()

    def fault(write: Write) -> Fault:
        if write.number - start != number:
            return Fault()
        return Fault(before=freeze, hold=release) if number % 2 else Fault(after=freeze)

    with _faults(it, fault), _successor(it) as successor:
        it.it.apply(it.model(name, version))
        assert frozen.wait(_DEADLINE_S), f"write {number} never came"
        eventually(lambda: successor.leads, deadline_s=_DEADLINE_S, what="the successor leads")
        end = it.ends_promoted if version == GOOD else it.ends_rolled_back
        end(name, version, deadline_s=_DEADLINE_S)
        on_its_way = it.it.proxy.writes[start + number - 1 :]
        release.set()
        eventually(lambda: all(each.code for each in on_its_way), what="the late write is answered")
        it.it.operator.wake()
        code = it.it.operator.exit_code(_DEADLINE_S)
        successor.stop()
    late = on_its_way[0].code if number % 2 else 0
    return Frozen(late, tuple(each.code for each in it.it.proxy.writes[start + number :]), code)


@contextmanager
def _successor(it: Trials) -> Iterator[OperatorProcess]:
    settings = dict(it.it.operator.settings)
    with OperatorProcess(
        it.it.api.kubeconfig, it.it.operator.folder, instance="operator-b", settings=settings
    ) as replica:
        eventually(lambda: replica.get("/readyz")[0] == 200, deadline_s=_DEADLINE_S, what="the second stands by")
        yield replica


@contextmanager
def _faults(it: Trials, fault: Callable[[Write], Fault]) -> Iterator[None]:
    it.it.proxy.fault = fault
    try:
        yield
    finally:
        it.it.proxy.fault = lambda _: Fault()
