"""The whole new status of a pass, built from the saved one and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.certificate import Standing, saved_form
from bankmodel_operator.core.conditions import Condition
from bankmodel_operator.core.desired import answering_ports, stable_of
from bankmodel_operator.core.memory import encode
from bankmodel_operator.core.observation import Observation, format_time, parse_time
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import Draining, NotUnderstood, Progressing, Starting, State, Turn
from bankmodel_operator.core.turns import Step

HISTORY_LIMIT = 10

Status = dict[str, Any]


def whole_status(
    observation: Observation,
    state: State,
    step: Step | None,
    *,
    routing_generation: int,
    conditions: list[Condition],
    certificate: Standing | None = None,
    now: datetime,
) -> Status:
    """Fields this operator does not know are kept. Equal to the saved status when nothing changed."""
    old, metadata, turn = observation.status, observation.model.metadata, step.turn if step else None
    common = {"observedGeneration": metadata.generation, "conditions": conditions}
    if isinstance(state, NotUnderstood):
        return {**old, **common}
    stable, rollout = encode(state, _since(old, turn, now))
    known = {
        **common,
        "url": names.url(metadata.name, metadata.namespace, _scheme(state, observation)),
        **_scale(observation, state),
        "stable": stable,
        "rollout": {**rollout, "generation": routing_generation},
        "history": _history(old, state, turn, now),
        "leadTime": _lead_time(observation, state, turn, now),
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


def _history(old: Mapping[str, Any], state: State, turn: Turn | None, now: datetime) -> list[Any]:
    """Revisions that were stable, newest first; who gives way is entered at once, and taken out if it comes back."""
    history: Sequence[Any] = old.get("history") or []
    if turn is Turn.TARGET_READY and isinstance(state, Draining):
        stable = old["stable"]
        entry = {key: stable[key] for key in ("revision", "version", "sha256") if key in stable}
        return [{**entry, "from": stable["since"], "until": format_time(now)}, *history][:HISTORY_LIMIT]
    if turn is Turn.TAKEN_BACK and isinstance(state, Progressing) and history:
        return list(history[1:] if history[0].get("revision") == state.stable.revision else history)
    return list(history)


def _lead_time(observation: Observation, state: State, turn: Turn | None, now: datetime) -> Status | None:
    """When the latest change was applied, ready and promoted. They move apart once there is a ladder between."""
    saved: Status | None = observation.status.get("leadTime")
    if turn is Turn.FIRST_SEEN and isinstance(state, Starting):
        applied = observation.model.metadata.creation_timestamp or now
        return {"revision": state.target.revision, "applied": format_time(applied)}
    if turn is Turn.TARGET_CHANGED and isinstance(state, Starting | Progressing):
        return {"revision": state.target.revision, "applied": format_time(now)}
    if turn is Turn.TARGET_READY and saved is not None:
        return {**saved, "ready": format_time(now), "promoted": format_time(now)}
    if turn is Turn.TAKEN_BACK and saved is not None:
        return {key: value for key, value in saved.items() if key not in ("ready", "promoted")}
    return saved
