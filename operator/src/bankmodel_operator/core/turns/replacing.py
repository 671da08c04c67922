"""The turns of a revision that replaces another without a trial, and of the drain that ends every change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bankmodel_operator.core.children.record import Record
from bankmodel_operator.core.desired import replicas_of
from bankmodel_operator.core.live import live_records, selected_revision
from bankmodel_operator.core.observation import Observation, PodSeen, parse_time
from bankmodel_operator.core.pods import alive, ready_count
from bankmodel_operator.core.states import Draining, Progressing, Revision, Serving, Turn
from bankmodel_operator.core.turns.step import Situation, Step, recorded
from bankmodel_operator.core.verification import generation_asked, has_read
from bankmodel_operator.core.way import Way, way_to

LEAST_DRAIN = timedelta(seconds=2)
"""A drain is not over sooner: new connections may reach the old pods until every node has the new endpoints."""


def from_progressing(state: Progressing, at: Situation) -> Step | None:
    observation, target = at.observation, at.target
    if target.revision == state.stable.revision:
        return Step(Turn.TARGET_WITHDRAWN, Serving(state.stable))
    if target.revision != state.target.revision:
        if way_to(target, state.stable, observation, at.now) is Way.SHORT:
            return Step(Turn.TARGET_CHANGED, replace(state, target=target))
        return Step(Turn.TARGET_WITHDRAWN, Serving(state.stable))
    size = replicas_of(state, observation.model.spec.serving.replicas)[target.revision]
    if ready_count(observation.pods, target.revision) < size:
        return None
    draining = Draining(
        replace(state.target, since=at.now),
        state.stable.revision,
        capacity=size,
        since=at.now,
        until=at.now + at.settings.drain_deadline,
    )
    return Step(Turn.TARGET_READY, draining)


def from_draining(state: Draining, at: Situation) -> Step | None:
    observation, now = at.observation, at.now
    has_moved = selected_revision(observation) == state.stable.revision
    is_answered = ready_count(observation.pods, state.stable.revision) > 0
    if now >= state.until and not is_answered:
        return _after_time_is_up(state, at)
    if not has_moved:
        return None  # the selector moves as soon as one pod of the new stable is ready
    is_over = now >= state.until or (is_answered and _is_drained(state, observation, now))
    return Step(Turn.DRAINED, Serving(state.stable)) if is_over else None


def _after_time_is_up(state: Draining, at: Situation) -> Step | None:
    """The stable does not answer. Callers that never left a rejected revision stay there, until somebody is better."""
    record = live_records(at.observation).get(state.superseded)
    if record is not None and at.ledger.rejection(recorded(record, at.now)):
        return None
    return _taken_back(state, at.observation, at.now) or Step(Turn.DRAINED, Serving(state.stable))


def _is_drained(state: Draining, observation: Observation, now: datetime) -> bool:
    """Every old pod that runs has read the table and has no connection left. A silent pod proves nothing."""
    generation = generation_asked(observation)
    pods = [pod for pod in alive(observation.pods, state.superseded) if pod.is_running]
    return now - state.since >= LEAST_DRAIN and all(has_read(pod, generation) and _is_idle(pod) for pod in pods)


def _is_idle(pod: PodSeen) -> bool:
    return pod.report is not None and pod.report.connections == 0


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
        return recorded(record, now)
    version, sha256, since = entry.get("version", ""), entry.get("sha256", ""), parse_time(entry["from"])
    return Revision(record.revision, version, sha256, record.image, since)
