"""The states of a rollout as a tagged union, and the table of transitions between them.

The table is the only place that says which state may follow which: `core.rollout` looks every turn up
here, and docs/rollout.md is printed from it. Steps, shadow and bake will be further classes and rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as status shows it. `since`: when it became what it is (target or stable)."""

    revision: str
    version: str
    sha256: str
    image: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Unseen:
    """Nothing is saved: a new model, or a status that was lost."""


@dataclass(frozen=True, slots=True)
class Starting:
    """The first revision comes up; nothing answers yet."""

    target: Revision


@dataclass(frozen=True, slots=True)
class Serving:
    """One revision, and it answers."""

    stable: Revision


@dataclass(frozen=True, slots=True)
class Progressing:
    """The target gets its capacity beside the stable; nothing has moved.

    `capacity`: the stable's replicas at the start. Until the drain has ended neither revision that
    answers goes below it, whatever the autoscaler says.
    """

    stable: Revision
    target: Revision
    capacity: int


@dataclass(frozen=True, slots=True)
class Draining:
    """Traffic moves to the new stable; the superseded revision answers what still reaches it.

    `since`: when the new table and selector were decided; `until`: when the drain ends at the latest.
    """

    stable: Revision
    superseded: str
    capacity: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A saved state this operator does not know, probably a newer one's: everything is held."""

    name: str


State = Unseen | Starting | Serving | Progressing | Draining | NotUnderstood


class Turn(StrEnum):
    """What can happen to a rollout; at most one a pass."""

    FIRST_SEEN = "FirstSeen"
    RECOVERED = "Recovered"
    TARGET_CHANGED = "TargetChanged"
    TARGET_WITHDRAWN = "TargetWithdrawn"
    TARGET_READY = "TargetReady"
    DRAINED = "Drained"
    TAKEN_BACK = "TakenBack"


TRANSITIONS: Mapping[tuple[type[State], Turn], type[State]] = MappingProxyType(
    {
        (Unseen, Turn.FIRST_SEEN): Starting,
        (Unseen, Turn.RECOVERED): Serving,
        (Starting, Turn.TARGET_CHANGED): Starting,
        (Starting, Turn.TARGET_READY): Serving,
        (Serving, Turn.TARGET_CHANGED): Progressing,
        (Progressing, Turn.TARGET_CHANGED): Progressing,
        (Progressing, Turn.TARGET_WITHDRAWN): Serving,
        (Progressing, Turn.TARGET_READY): Draining,
        (Draining, Turn.DRAINED): Serving,
        (Draining, Turn.TAKEN_BACK): Progressing,
    }
)
"""Every transition there is; a pair that is absent cannot happen, and asking for it raises KeyError."""

MEANING: Mapping[Turn, str] = MappingProxyType(
    {
        Turn.FIRST_SEEN: "a new model whose names are free and whose source the cluster supports",
        Turn.RECOVERED: "the status was lost; the stable Service's selector names the stable revision",
        Turn.TARGET_CHANGED: "the spec asks for another revision",
        Turn.TARGET_WITHDRAWN: "the spec asks for the stable revision again",
        Turn.TARGET_READY: "the first revision has a ready pod; a later one has all its pods ready",
        Turn.DRAINED: "the new revision answers, and every old pod has read the new table and has no connection left; or time is up",
        Turn.TAKEN_BACK: "time is up, the new revision has no ready pod, and the old one answers or callers never left it",
    }
)
