"""Which turn a rollout takes now, one function a state. At most one a pass, and none from unsaved state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from bankmodel_operator.core.children.record import Record
from bankmodel_operator.core.desired import replicas_of
from bankmodel_operator.core.live import deployment_of, live_records, selected_revision
from bankmodel_operator.core.observation import CoreSettings, Observation, parse_time
from bankmodel_operator.core.pods import alive, ready_count
from bankmodel_operator.core.states import (
    TRANSITIONS,
    Draining,
    NotUnderstood,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Turn,
    Unseen,
)

LEAST_DRAIN = timedelta(seconds=2)
"""A drain is not over sooner: new connections may reach the old pods until every node has the new endpoints."""


@dataclass(frozen=True, slots=True)
class Step:
    """A turn and where it leads."""

    turn: Turn
    state: State


def next_step(
    state: State, observation: Observation, target: Revision, *, settings: CoreSettings, now: datetime
) -> Step | None:
    """The turn that is due, if one is. `target`: what the spec asks for."""
    step = _step(state, observation, target, settings=settings, now=now)
    if step and TRANSITIONS[type(state), step.turn] is not type(step.state):
        raise AssertionError(f"{step.turn} leads from {state} to {step.state}, which TRANSITIONS does not allow")
    return step


def _step(
    state: State, observation: Observation, target: Revision, *, settings: CoreSettings, now: datetime
) -> Step | None:
    match state:
        case Unseen():
            return _from_unseen(observation, target, now)
        case Starting():
            return _from_starting(state, observation, target, now)
        case Serving():
            return _from_serving(state, observation, target)
        case Progressing():
            return _from_progressing(state, observation, target, settings=settings, now=now)
        case Draining():
            return _from_draining(state, observation, now)
        case NotUnderstood():
            return None
        case _:
            assert_never(state)


def _from_unseen(observation: Observation, target: Revision, now: datetime) -> Step:
    record = live_records(observation).get(selected_revision(observation))
    if record is None:
        return Step(Turn.FIRST_SEEN, Starting(target))
    return Step(Turn.RECOVERED, Serving(_recorded(record, now)))


def _from_starting(state: Starting, observation: Observation, target: Revision, now: datetime) -> Step | None:
    if target.revision != state.target.revision:
        return Step(Turn.TARGET_CHANGED, Starting(target))
    if ready_count(observation.pods, target.revision):
        return Step(Turn.TARGET_READY, Serving(replace(state.target, since=now)))
    return None


def _from_serving(state: Serving, observation: Observation, target: Revision) -> Step | None:
    if target.revision == state.stable.revision:
        return None
    running = deployment_of(observation, state.stable.revision) or {}
    capacity = running.get("spec", {}).get("replicas", observation.model.spec.serving.replicas)
    return Step(Turn.TARGET_CHANGED, Progressing(state.stable, target, capacity=capacity))


def _from_progressing(
    state: Progressing, observation: Observation, target: Revision, *, settings: CoreSettings, now: datetime
) -> Step | None:
    if target.revision == state.stable.revision:
        return Step(Turn.TARGET_WITHDRAWN, Serving(state.stable))
    if target.revision != state.target.revision:
        return Step(Turn.TARGET_CHANGED, replace(state, target=target))
    size = replicas_of(state, observation.model.spec.serving.replicas)[target.revision]
    if ready_count(observation.pods, target.revision) < size:
        return None
    draining = Draining(
        replace(state.target, since=now),
        state.stable.revision,
        capacity=size,
        since=now,
        until=now + settings.drain_deadline,
    )
    return Step(Turn.TARGET_READY, draining)


def _from_draining(state: Draining, observation: Observation, now: datetime) -> Step | None:
    has_moved = selected_revision(observation) == state.stable.revision
    is_answered = ready_count(observation.pods, state.stable.revision) > 0
    if now >= state.until and not is_answered:
        return _taken_back(state, observation, now) or Step(Turn.DRAINED, Serving(state.stable))
    if not has_moved:
        return None  # the selector moves as soon as one pod of the new stable is ready
    is_over = now >= state.until or (is_answered and _is_drained(state, observation, now))
    return Step(Turn.DRAINED, Serving(state.stable)) if is_over else None


def _is_drained(state: Draining, observation: Observation, now: datetime) -> bool:
    """Every old pod that runs has read the table and has no connection left. A silent pod proves nothing."""
    generation = observation.status["rollout"].get("generation", 0)
    reports = [pod.report for pod in alive(observation.pods, state.superseded) if pod.is_running]
    return now - state.since >= LEAST_DRAIN and all(
        report is not None and report.connections == 0 and (report.generation or 0) >= generation for report in reports
    )


def _taken_back(state: Draining, observation: Observation, now: datetime) -> Step | None:
    """Back beside each other: the new revision has died, and the old one answers or callers never left it.
    None where there is nothing to go back to."""
    record = live_records(observation).get(state.superseded)
    has_stayed = selected_revision(observation) == state.superseded
    if record is None or not (has_stayed or ready_count(observation.pods, state.superseded)):
        return None
    target = replace(state.stable, since=now)
    return Step(Turn.TAKEN_BACK, Progressing(_before(observation, record, now), target, capacity=state.capacity))


def _before(observation: Observation, record: Record, now: datetime) -> Revision:
    """The superseded revision as it was when it was stable."""
    entry = (observation.status.get("history") or [{}])[0]
    if entry.get("revision") != record.revision:
        return _recorded(record, now)
    version, sha256, since = entry.get("version", ""), entry.get("sha256", ""), parse_time(entry["from"])
    return Revision(record.revision, version, sha256, record.image, since)


def _recorded(record: Record, since: datetime) -> Revision:
    model = record.inputs.get("model", {})
    return Revision(record.revision, model.get("version", ""), model.get("sha256", ""), record.image, since)
