"""Crashes of the operator at chosen writes of a model's life: created, replaced, deleted. Used by the tests and by `make verify-operator`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from support.operator_process import eventually
from support.proxy import Fault, Write
from support.shapes import renamed, shape
from support.stage import CHILDREN, Stage, a_model

__all__ = ["CRASHES", "Life", "Strikes", "life", "life_with_crash", "struck"]

CRASHES = (1, 14)
"""Two write numbers of a life: the first save, which never arrives, and an act of the update, whose answer is lost."""

_DEADLINE_S = 120.0


@dataclass(frozen=True)
class Life:
    """What was there after creation and after the update, the model's name taken out; how many writes it took, and kills."""

    made: tuple[dict[str, Any], dict[str, Any]]
    writes: int
    kills: int = 0


def life(it: Stage, name: str, at_delete: Callable[[], None] = lambda: None) -> Life:
    """Create version 1, replace it by version 2, delete it; each step to its end. The operator writes nothing to delete."""
    before = len(it.proxy.writes)
    it.apply(a_model(name, it.namespace, version="1"))
    first = _made(it, name, "1")
    it.apply(a_model(name, it.namespace, version="2"))
    second = _made(it, name, "2")
    it.kubectl("delete", "bankmodel", name, "-n", it.namespace, "--wait=false")
    at_delete()
    eventually(lambda: not it.children(name, CHILDREN), deadline_s=_DEADLINE_S, what=f"{name} is gone")
    return Life((first, second), len(it.proxy.writes) - before)


def life_with_crash(it: Stage, name: str, is_fatal: Callable[[int], bool], *, is_fatal_at_delete: bool = False) -> Life:
    """The same with the operator killed at the writes that `is_fatal` (counted from 1), and started again each time."""
    with struck(it, is_fatal) as strikes:
        lived = life(it, name, strikes.strike if is_fatal_at_delete else lambda: None)
        return replace(lived, kills=strikes.count)


@dataclass
class Strikes:
    """Kills the operator; `count`: how often it did."""

    it: Stage
    died: threading.Event
    count: int = 0

    def strike(self) -> None:
        self.count += 1
        self.it.operator.strike()
        self.died.set()


@contextmanager
def struck(it: Stage, is_fatal: Callable[[int], bool]) -> Iterator[Strikes]:
    """The operator is killed at the writes that `is_fatal` (counted from 1), and started again each time.

    Odd ones never reach the apiserver, even ones are done and only their answer is lost.
    """
    start, strikes = len(it.proxy.writes), Strikes(it, threading.Event())

    def fault(write: Write) -> Fault:
        number, is_dying = write.number - start, strikes.died.is_set()
        if not is_fatal(number) or is_dying:
            # nothing of a process that is being killed may slip through
            return Fault(refuse=503) if is_dying else Fault()
        return Fault(before=strikes.strike, refuse=503) if number % 2 else Fault(after=strikes.strike, lose_answer=True)

    with _Doctor(it, strikes.died):
        it.proxy.fault = fault
        try:
            yield strikes
        finally:
            it.proxy.fault = lambda _: Fault()


class _Doctor:
    """Starts the operator again whenever it was killed."""

    def __init__(self, it: Stage, died: threading.Event) -> None:
        self._it, self._died, self._over = it, died, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _watch(self) -> None:
        while self._died.is_set() or not self._over.is_set():
            if self._died.wait(0.05):
                self._it.operator.kill()
                self._died.clear()
                self._it.operator.start()


def _made(it: Stage, name: str, version: str) -> dict[str, Any]:
    live = it.reaches(name, version, deadline_s=_DEADLINE_S)
    revision = live["status"]["stable"]["revision"]

    def is_alone() -> bool:
        deployments = [child["metadata"]["name"] for child in it.children(name, "deployments")]
        return deployments == [f"{name}-{revision}"]

    eventually(is_alone, deadline_s=_DEADLINE_S, what=f"only {revision} of {name} is left")
    it.settles()
    made: dict[str, Any] = renamed(shape(it.children(name)), name)
    return made
