"""What a turn is decided from, and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bankmodel_operator.core.children.record import Record
from bankmodel_operator.core.evidence import Evidence
from bankmodel_operator.core.ledger import Ledger, Rejection
from bankmodel_operator.core.live import deployment_of
from bankmodel_operator.core.observation import CoreSettings, Observation
from bankmodel_operator.core.states import Climbing, Preparing, Revision, State, Turn


@dataclass(frozen=True, slots=True)
class Situation:
    """One look. `target`: what the spec asks for; `evidence`: how the canary did on this rung, or in bake."""

    observation: Observation
    target: Revision
    settings: CoreSettings
    now: datetime
    evidence: Evidence

    @property
    def ledger(self) -> Ledger:
        return Ledger.of(self.observation.status)


@dataclass(frozen=True, slots=True)
class Step:
    """A turn and where it leads. `rejection`: why the canary, or the new stable, goes."""

    turn: Turn
    state: State
    rejection: Rejection | None = None


def recorded(record: Record, since: datetime) -> Revision:
    """A revision as its record has it."""
    model: Mapping[str, str] = record.inputs.get("model", {})
    return Revision(record.revision, model.get("version", ""), model.get("sha256", ""), record.image, since)


def whole(state: Preparing | Climbing, at: Situation) -> int:
    """The pods that are enough for all requests: what the stable had at the start, or what is asked for by now."""
    return max(state.capacity, at.observation.model.spec.serving.replicas)


def capacity_of(stable: Revision, at: Situation) -> int:
    """The stable's size as it is; nothing that follows goes below it."""
    running = deployment_of(at.observation, stable.revision) or {}
    return int(running.get("spec", {}).get("replicas", at.observation.model.spec.serving.replicas))
