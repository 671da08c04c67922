"""The whole new status of a pass, built from the saved one and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.certificate import Standing, saved_form
from bankmodel_operator.core.conditions import Condition
from bankmodel_operator.core.desired import Written, answering_ports, stable_of
from bankmodel_operator.core.memory import encode
from bankmodel_operator.core.observation import Observation, format_time, parse_time
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import Climbing, NotUnderstood, Preparing, Progressing, Starting, State, Turn
from bankmodel_operator.core.trial_status import trial_status
from bankmodel_operator.core.turns import Situation, Step

Status = dict[str, Any]


def whole_status(
    at: Situation,
    state: State,
    step: Step | None,
    written: Written,
    *,
    conditions: list[Condition],
    certificate: Standing | None = None,
) -> Status:
    """Fields this operator does not know are kept. Equal to the saved status when nothing changed."""
    observation, turn = at.observation, step.turn if step else None
    old, metadata = observation.status, observation.model.metadata
    common = {"observedGeneration": metadata.generation, "conditions": conditions}
    if isinstance(state, NotUnderstood):
        return {**old, **common}
    saved = encode(state, _since(old, turn, at.now))
    known = {
        **common,
        "url": names.url(metadata.name, metadata.namespace, _scheme(state, observation)),
        **_scale(observation, state),
        "stable": saved["stable"],
        **trial_status(at, state, step, saved, written.generation),
        "history": list(written.ledger.history),
        "rejected": list(written.ledger.rejected),
        "leadTime": _lead_time(observation, state, turn, at.now),
        "certificate": saved_form(certificate),
    }
    return {key: value for key, value in {**old, **known}.items() if value not in (None, [], {})}


def _scheme(state: State, observation: Observation) -> str:
    return "http" if "http" in answering_ports(state, observation) else "https"


def _since(old: Mapping[str, Any], turn: Turn | None, now: datetime) -> datetime:
    saved = (old.get("rollout") or {}).get("since")
    return parse_time(saved) if saved and turn is None else now


def _scale(observation: Observation, state: State) -> Status:
    """What the scale subresource shows: the pods that answer, or are to be the first to."""
    first = state.target if isinstance(state, Starting) else stable_of(state)
    if first is None:
        return {"replicas": 0, "selector": ""}
    selector = names.selector(observation.model.metadata.name, first.revision)
    text = ",".join(f"{key}={value}" for key, value in selector.items())
    return {"replicas": len(alive(observation.pods, first.revision)), "selector": text}


def _lead_time(observation: Observation, state: State, turn: Turn | None, now: datetime) -> Status | None:
    """When the latest change was applied, ready, met its first request and was promoted."""
    saved: Status | None = observation.status.get("leadTime")
    if turn is Turn.FIRST_SEEN and isinstance(state, Starting):
        applied = observation.model.metadata.creation_timestamp or now
        return {"revision": state.target.revision, "applied": format_time(applied)}
    if turn is Turn.TARGET_CHANGED and isinstance(state, Starting | Progressing):
        return {"revision": state.target.revision, "applied": format_time(now)}
    if turn is Turn.TRIAL_STARTED and isinstance(state, Preparing):
        return {"revision": state.canary.revision, "applied": format_time(now)}
    if turn is Turn.STEP_STARTED and saved is not None and "ready" not in saved:
        return {**saved, "ready": format_time(now)}
    is_answering = isinstance(state, Climbing) and not state.on.is_shadow
    if turn is Turn.WEIGHT_IN_FORCE and is_answering and saved is not None and "firstTraffic" not in saved:
        return {**saved, "firstTraffic": format_time(now)}
    if turn is Turn.PROMOTED and saved is not None:
        return {**saved, "promoted": format_time(now)}
    if turn is Turn.TARGET_READY and saved is not None:
        return {**saved, "ready": format_time(now), "promoted": format_time(now)}
    if turn is Turn.TAKEN_BACK and saved is not None:
        return {key: value for key, value in saved.items() if key not in ("ready", "promoted")}
    return saved
