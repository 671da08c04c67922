"""The states of a rollout as a tagged union, the table of transitions, and their form in status.

The table is the only place that says which state may follow which: `core.rollout` looks every turn up
here, and docs/rollout.md is printed from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    """Nothing saved: a new model, or a status that was lost."""


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

    `capacity`: the stable's replicas at the start; until the drain has ended nothing goes below.
    """

    stable: Revision
    target: Revision
    capacity: int


@dataclass(frozen=True, slots=True)
class Draining:
    """Traffic moves to the new stable; the superseded revision answers what still reaches it, until `until`."""

    stable: Revision
    superseded: Revision
    capacity: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A saved state this operator does not know, probably of a newer one: hold everything."""

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
    NOT_MOVED = "NotMoved"
