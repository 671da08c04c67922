"""Trouble during whole rollouts and rollbacks: between operator and API server, in watches, crashes, and leaders that freeze.

Each function runs a promotion and a rollback under its trouble, and answers what an observer saw that must never be. Used by tests in short
and by `make verify-rollout` in full.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from support.crashes import struck
from support.operator_process import OperatorProcess, eventually, kept
from support.proxy import Fault, Write
from support.trials import BAD, GOOD, Trials

__all__ = [
    "FAULTS",
    "RESYNC",
    "SHORT_LEASES",
    "WATCHES",
    "Frozen",
    "Watches",
    "frozen_leader",
    "killed",
    "under_faults",
    "under_watch_trouble",
    "writes_of_one_way",
]

FAULTS: Mapping[str, Fault] = {
    "delayed": Fault(delay_s=1.0),
    "conflicting": Fault(refuse=409),
    "throttled": Fault(refuse=429),
    "broken": Fault(refuse=500),
    "cut": Fault(cut=True),
    "unanswered": Fault(lose_answer=True),
    "dropped": Fault(drop=True),
}
"""By the name of the model whose writes they meet."""
Watches = Literal["severed", "silent", "doubled"]
WATCHES: tuple[Watches, ...] = ("severed", "silent", "doubled")
SHORT_LEASES = {
    "BANKMODEL_LEASE_DURATION": "9s",
    "BANKMODEL_RENEW_DEADLINE": "7s",
    "BANKMODEL_RETRY_PERIOD": "500ms",
}
"""Who stands by need not wait long, and a busy machine is still no failed leader."""
RESYNC = {"BANKMODEL_RESYNC": "5s"}
"""Where watches say nothing, only the periodic look at every model is left."""
_READS = 11
"""So many times more seldom than writes are reads struck, as there are five times as many, and one stops the whole pass."""
_RARER = 3
"""So many times more seldom is anything dropped: the operator waits ten seconds for each."""
_DEADLINE_S = 600.0


def promotion_and_rollback(it: Trials, *names: str) -> None:
    """All at the same time: a good model up the ladder, then a bad one taken back. Fails where one does not get there."""
    for name in names:
        it.it.apply(it.model(name, GOOD))
    for name in names:
        it.ends_its_bake(name, GOOD, deadline_s=_DEADLINE_S)
    for name in names:
        it.reaches(name, GOOD, deadline_s=_DEADLINE_S)
        it.is_alone(name, deadline_s=_DEADLINE_S)
    it.pods.failing[BAD] = 0.5
    for name in names:
        it.it.apply(it.model(name, BAD))
    for name in names:
        it.ends_rolled_back(name, BAD, deadline_s=_DEADLINE_S)


# Between operator and API server


@dataclass
class Trouble:
    """Lets each model's own fault meet every so many of its writes, or of its reads; `met` counts them."""

    every: int
    seen: dict[str, int] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)

    def __call__(self, write: Write) -> Fault:
        name = next((name for name in FAULTS if _is_of(name, write)), "")
        every = self.every * (_RARER if name == "dropped" else 1)
        self.seen[name] = self.seen.get(name, 0) + 1
        if not name or self.seen[name] % every != 1 % every:
            return Fault()
        self.met[name] = self.met.get(name, 0) + 1
        return FAULTS[name]


def _is_of(model: str, write: Write) -> bool:
    return f"/{model}" in write.path or f"%3D{model}" in write.path or f'"{model}'.encode() in write.body


def under_faults(it: Trials, *, every: int, kinds: Collection[str] = tuple(FAULTS)) -> Trouble:
    """A model for each kind of fault, which meets it at every so many of its writes, and of its reads now and then; watches say
    everything twice meanwhile. What its writes met."""
    trouble = Trouble(every)
    for name in kinds:
        it.it.apply(it.model(name, "1"))
    for name in kinds:
        it.reaches(name, "1", deadline_s=_DEADLINE_S)
    it.it.proxy.repeats_of_an_event = 2
    it.it.proxy.fault_of_read = Trouble(_READS * every)
    try:
        with _faults(it, trouble):
            promotion_and_rollback(it, *kinds)
    finally:
        it.it.proxy.repeats_of_an_event = 1
        it.it.proxy.fault_of_read = lambda _: Fault()
    return trouble


def under_watch_trouble(it: Trials, kind: Watches) -> None:
    """Watches are cut again and again, say nothing, or say everything twice."""
    it.serves(kind)
    over = threading.Event()
    it.it.proxy.repeats_of_an_event = {"severed": 1, "silent": 0, "doubled": 2}[kind]
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


# One way, up or back


def one_way(it: Trials, name: str, version: str) -> None:
    """A promotion (GOOD), or a rollback (BAD). Fails where it does not get there."""
    it.pods.failing[BAD] = 0.5
    it.it.apply(it.model(name, version))
    end = it.ends_promoted if version == GOOD else it.ends_rolled_back
    end(name, version, deadline_s=_DEADLINE_S)


def writes_of_one_way(it: Trials, name: str, version: str) -> int:
    """How many writes it takes without trouble."""
    it.serves(name)
    it.it.settles()
    before = len(it.it.proxy.writes)
    one_way(it, name, version)
    return len(it.it.proxy.writes) - before


# Crashes


def killed(it: Trials, name: str, version: str, is_fatal: Callable[[int], bool]) -> int:
    """The operator is killed at these writes; how often it was."""
    it.serves(name)
    it.it.settles()
    with struck(it.it, is_fatal) as strikes:
        one_way(it, name, version)
    return strikes.count


# Leaders that freeze


@dataclass(frozen=True)
class Frozen:
    """What came of a leader that froze at a write and woke when its successor had ended the rollout: the API server's answer to the
    write that was on its way (0: none was), the codes of all that it wrote after it woke, and its exit code."""

    late: int
    codes: tuple[int, ...]
    exit_code: int


def frozen_leader(it: Trials, name: str, number: int, version: str, *, is_on_its_way: bool) -> Frozen | None:
    """The leader freezes at a write of this number (from 1), with the write on its way or after it was done. None: it came to no such
    write. Whoever calls finds the first in the lead again."""
    it.serves(name)
    it.it.settles()
    release, frozen, start = threading.Event(), threading.Event(), len(it.it.proxy.writes)
    one_at_a_time, is_over = threading.Lock(), threading.Event()
    with _successor(it) as successor:

        def freeze() -> None:
            with one_at_a_time:
                if not is_over.is_set():  # else the write came when nobody waited for it any more
                    it.it.operator.freeze()
                    successor.start()
                    frozen.set()

        def fault(write: Write) -> Fault:
            if write.number - start != number or frozen.is_set():
                return Fault()
            return Fault(before=freeze, hold=release) if is_on_its_way else Fault(after=freeze)

        with _faults(it, fault):
            try:
                one_way(it, name, version)
            finally:
                with one_at_a_time:
                    is_over.set()
            if not frozen.is_set():
                return None
            eventually(lambda: successor.leads, deadline_s=_DEADLINE_S, what="the successor leads")
            release.set()
            on_its_way = it.it.proxy.writes[start + number - 1 :]
            eventually(lambda: all(each.code for each in on_its_way), what="the late write is answered")
            it.it.operator.wake()
            code = it.it.operator.exit_code(_DEADLINE_S)
            it.it.operator.start()
    eventually(lambda: it.it.operator.leads, deadline_s=_DEADLINE_S, what="the first leads again")
    late = on_its_way[0].code if is_on_its_way else 0
    return Frozen(late, tuple(each.code for each in it.it.proxy.writes[start + number :]), code)


@contextmanager
def _successor(it: Trials) -> Iterator[OperatorProcess]:
    """Another replica, which speaks to the API server without the proxy; not started yet. It hands back its lease at the end."""
    settings = dict(it.it.operator.settings)
    replica = OperatorProcess(it.it.api.kubeconfig, it.it.operator.folder, instance="operator-b", settings=settings)
    try:
        with kept(replica):
            yield replica
        if replica.is_running:
            replica.stop(_DEADLINE_S)
    finally:
        replica.kill()


@contextmanager
def _faults(it: Trials, fault: Callable[[Write], Fault]) -> Iterator[None]:
    it.it.proxy.fault = fault
    try:
        yield
    finally:
        it.it.proxy.fault = lambda _: Fault()
