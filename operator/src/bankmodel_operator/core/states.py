"""The states of a rollout as a tagged union, and the table of transitions between them.

The table is the only place that says which state may follow which: `core.turns` looks every turn up here, and
docs/rollout.md is printed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from bankmodel_operator.core.ladder import Ladder, Rung


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as status shows it. `since`: when it became what it is (target or stable)."""

    revision: str
    version: str
    sha256: str
    image: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Fit:
    """How a canary fits to what callers send and expect. `awaits`: inputs it needs and the stable does not declare;
    `outputs`: how its outputs differ from the stable's, in words, empty where they do not."""

    awaits: tuple[str, ...] = ()
    outputs: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """Time on a rung, or in bake, while somebody watched: `held` in all up to `seen`."""

    held: timedelta
    seen: datetime

    @classmethod
    def from_now(cls, now: datetime) -> Self:
        """Nothing was watched yet."""
        return cls(timedelta(0), now)


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
    """The target gets its capacity beside the stable, without a ladder; nothing has moved.

    `capacity`: the stable's replicas at the start. Until the drain has ended neither revision that
    answers goes below it, whatever the autoscaler says.
    """

    stable: Revision
    target: Revision
    capacity: int


@dataclass(frozen=True, slots=True)
class Preparing:
    """The canary gets pods for its first rung, and no request.

    `fit` is known once both revisions have described themselves. `is_exposed`: it had requests before, and lost them
    with its last ready pod or by suspension. `is_promoted`: somebody ordered its promotion. `is_spent`: such an order stood
    there when it was retried, so it is no order for this trial.
    """

    stable: Revision
    canary: Revision
    capacity: int
    ladder: Ladder
    started: datetime
    fit: Fit | None = None
    is_exposed: bool = False
    is_promoted: bool = False
    is_spent: bool = False


@dataclass(frozen=True, slots=True)
class Climbing:
    """The canary is on a rung of the ladder: it answers its share, or scores copies on the shadow rung.

    `since`: when the rung's weight was decided; `watched` begins once the weight is in force.
    `started`: when the rollout did. `highest`: the highest rung so far, whose pods stay when the weight goes back.
    """

    stable: Revision
    canary: Revision
    capacity: int
    ladder: Ladder
    started: datetime
    rung: int
    since: datetime
    fit: Fit
    watched: Watched | None = None
    is_promoted: bool = False
    highest: int = 0
    is_spent: bool = False

    @property
    def on(self) -> Rung:
        return self.ladder.rungs[self.rung]


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """The canary gets no more requests; its pods stay until every stable pod knows, or can no longer reach it.

    `until`: by then the last table that granted it anything has run out.
    """

    stable: Revision
    canary: Revision
    capacity: int
    canary_capacity: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Baking:
    """The canary has become the stable; the one before stays at capacity, so that the way back is short.

    `is_ordered`: the order to promote was used for the promotion, and does not end the bake as well. `ladder`: the one that
    was climbed, for people; None where the status was lost since.
    """

    stable: Revision
    before: Revision
    capacity: int
    since: datetime
    watched: Watched
    is_ordered: bool = False
    ladder: Ladder | None = None


@dataclass(frozen=True, slots=True)
class Draining:
    """Traffic moves to the stable; the superseded revision answers what still reaches it.

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


State = (
    Unseen | Starting | Serving | Progressing | Preparing | Climbing | Withdrawing | Baking | Draining | NotUnderstood
)


class Turn(StrEnum):
    """What can happen to a rollout; at most one a pass."""

    FIRST_SEEN = "FirstSeen"
    RECOVERED = "Recovered"
    TARGET_CHANGED = "TargetChanged"
    TARGET_WITHDRAWN = "TargetWithdrawn"
    TARGET_READY = "TargetReady"
    DRAINED = "Drained"
    TAKEN_BACK = "TakenBack"
    TRIAL_STARTED = "TrialStarted"
    COMPARED = "Compared"
    PROMOTION_ORDERED = "PromotionOrdered"
    STEP_STARTED = "StepStarted"
    WEIGHT_IN_FORCE = "WeightInForce"
    WATCHED = "Watched"
    NOT_VERIFIED = "NotVerified"
    LAPSED = "Lapsed"
    CANARY_LOST = "CanaryLost"
    SUSPENDED = "Suspended"
    CANCELLED = "Cancelled"
    ROLLED_BACK = "RolledBack"
    PROMOTED = "Promoted"
    BAKED = "Baked"
    WITHDRAWN = "Withdrawn"
    STABLE_REPLACED = "StableReplaced"
    BAKE_RESUMED = "BakeResumed"
    CANARY_FOUND = "CanaryFound"


RECOVERIES = (Turn.RECOVERED, Turn.BAKE_RESUMED, Turn.CANARY_FOUND)
"""The turns that rebuild a lost status; what follows from them is for the next pass."""

TRANSITIONS: Mapping[tuple[type[State], Turn], type[State]] = MappingProxyType(
    {
        (Unseen, Turn.FIRST_SEEN): Starting,
        (Unseen, Turn.RECOVERED): Serving,
        (Unseen, Turn.BAKE_RESUMED): Baking,
        (Unseen, Turn.CANARY_FOUND): Withdrawing,
        (Starting, Turn.TARGET_CHANGED): Starting,
        (Starting, Turn.TARGET_READY): Serving,
        (Serving, Turn.TARGET_CHANGED): Progressing,
        (Serving, Turn.TRIAL_STARTED): Preparing,
        (Progressing, Turn.TARGET_CHANGED): Progressing,
        (Progressing, Turn.TARGET_WITHDRAWN): Serving,
        (Progressing, Turn.TARGET_READY): Draining,
        (Preparing, Turn.TARGET_WITHDRAWN): Serving,
        (Preparing, Turn.COMPARED): Preparing,
        (Preparing, Turn.PROMOTION_ORDERED): Preparing,
        (Preparing, Turn.STEP_STARTED): Climbing,
        (Preparing, Turn.STABLE_REPLACED): Progressing,
        (Preparing, Turn.CANCELLED): Withdrawing,
        (Preparing, Turn.ROLLED_BACK): Withdrawing,
        (Climbing, Turn.WEIGHT_IN_FORCE): Climbing,
        (Climbing, Turn.WATCHED): Climbing,
        (Climbing, Turn.STEP_STARTED): Climbing,
        (Climbing, Turn.PROMOTION_ORDERED): Climbing,
        (Climbing, Turn.NOT_VERIFIED): Climbing,
        (Climbing, Turn.LAPSED): Climbing,
        (Climbing, Turn.CANARY_LOST): Preparing,
        (Climbing, Turn.SUSPENDED): Preparing,
        (Climbing, Turn.CANCELLED): Withdrawing,
        (Climbing, Turn.ROLLED_BACK): Withdrawing,
        (Climbing, Turn.STABLE_REPLACED): Progressing,
        (Climbing, Turn.PROMOTED): Baking,
        (Withdrawing, Turn.WITHDRAWN): Serving,
        (Baking, Turn.WATCHED): Baking,
        (Baking, Turn.BAKED): Draining,
        (Baking, Turn.ROLLED_BACK): Draining,
        (Baking, Turn.CANCELLED): Draining,
        (Draining, Turn.DRAINED): Serving,
        (Draining, Turn.TAKEN_BACK): Progressing,
    }
)
"""Every transition there is; a pair that is absent cannot happen, and asking for it raises KeyError."""

MEANING: Mapping[Turn, str] = MappingProxyType(
    {
        Turn.FIRST_SEEN: "a new model whose names are free and whose source the cluster supports",
        Turn.RECOVERED: "the status was lost; the stable Service's selector names the stable revision",
        Turn.TARGET_CHANGED: "the spec asks for another revision, and it needs no trial",
        Turn.TARGET_WITHDRAWN: "the spec asks for the stable revision again, or for one that needs a trial",
        Turn.TARGET_READY: "the first revision has a ready pod; a later one has all its pods ready",
        Turn.DRAINED: "the new revision answers, and every old pod has read the new table and has no connection left; or time is up",
        Turn.TAKEN_BACK: "time is up, the new revision has no ready pod, and the old one answers or callers never left it",
        Turn.TRIAL_STARTED: "the spec asks for another model, or a new `retry` asks for a rejected one once more",
        Turn.COMPARED: "both revisions have described their inputs and outputs",
        Turn.PROMOTION_ORDERED: "the annotation `promote` names the canary",
        Turn.STEP_STARTED: "the canary's pods for the rung are ready, it fits to what callers send, and on a rung before: its "
        "weight was in force for the whole hold, every check says PASS, and nobody paused",
        Turn.WEIGHT_IN_FORCE: "every stable pod reports the table's generation and the weight it asks for",
        Turn.WATCHED: "a minute of the hold, or of the bake, has passed under watch",
        Turn.NOT_VERIFIED: "a weight was not in force within `progressDeadline`: back by a rung",
        Turn.LAPSED: "nobody renewed the table in time, so the pods fell back to weight 0: verified afresh",
        Turn.CANARY_LOST: "no pod of the canary is ready",
        Turn.SUSPENDED: "`spec.suspend` is true",
        Turn.CANCELLED: "the spec asks for another revision, the stable one included; or the old one again, in bake",
        Turn.ROLLED_BACK: "a check says FAIL, the annotation `abort` names the revision, or time is up",
        Turn.PROMOTED: "all requests go to the canary, at full capacity, in force",
        Turn.BAKED: "the bake was watched to its end, or the annotation `promote` names the new stable",
        Turn.WITHDRAWN: "every stable pod, or every canary pod, has read that the canary gets nothing; or the last grant has run out",
        Turn.STABLE_REPLACED: "the annotation `promote` names the canary, and no stable pod is ready",
        Turn.BAKE_RESUMED: "the status was lost in bake: the selected revision has no mark of a completed one, and an older one "
        "that has it still runs",
        Turn.CANARY_FOUND: "the status was lost while a canary ran, or was being withdrawn: nothing is granted to it, and its pods stay as long as "
        "somebody may not know",
    }
)
