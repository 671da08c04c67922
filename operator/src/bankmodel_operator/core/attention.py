"""Which models want to be looked at without an event, how soon, and which pods must read the table at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bankmodel_operator.api.v1alpha1 import PrometheusQuery
from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.core.conditions import Outlook
from bankmodel_operator.core.desired import replicas_of
from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.observation import CoreSettings, Nudge, Observation, PodSeen
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import (
    RECOVERIES,
    Baking,
    Climbing,
    Draining,
    NotUnderstood,
    Preparing,
    Progressing,
    Serving,
    Starting,
    State,
    Turn,
    Withdrawing,
)
from bankmodel_operator.core.turns import Situation, Step
from bankmodel_operator.core.verification import has_read

_MOVING_LOOK = timedelta(milliseconds=500)
_UNREADY_LOOK = timedelta(seconds=2)
_LATE_LOOK = timedelta(seconds=30)
_BLOCKED_LOOK = timedelta(seconds=5)
_NUDGE_AGAIN = timedelta(seconds=3)
"""A kubelet takes below a second; with a hundred pods, asking at every look would be hundreds of writes a second."""


_AT_ONCE = (*RECOVERIES, Turn.COMPARED, Turn.PROMOTION_ORDERED, Turn.TARGET_WITHDRAWN)
"""Turns after which there is more to do: the next turn, or another target that was waiting."""


def is_at_rest(live: Mapping[str, Any]) -> bool:
    """Whether a BankModel, as it was read, says itself that its spec was seen and nothing is on its way: then it can wait."""
    status = live.get("status") or {}
    was_seen = status.get("observedGeneration") == live["metadata"]["generation"]
    return was_seen and isinstance(decode(status), Serving)


def wants_reports(state: State) -> bool:
    """Whether the next pass should read the pods' own reports, those of ready pods too."""
    return isinstance(state, Preparing | Climbing | Withdrawing | Baking | Draining)


def wants_descriptions(state: State) -> bool:
    """Whether the pods should say what their file needs and gives."""
    return isinstance(state, Preparing) and state.fit is None


def due_queries(
    observation: Observation, known: Mapping[str, Answer], settings: CoreSettings, now: datetime
) -> Mapping[str, PrometheusQuery]:
    """The outside queries to ask in this pass, by their check: those of a rung or a bake, and not more often than pods are."""
    state = decode(observation.status)
    if not (isinstance(state, Baking) or (isinstance(state, Climbing) and state.watched)):
        return {}
    asked = {check.name: check.prometheus for check in observation.model.spec.rollout.checks if check.prometheus}
    return {
        name: query
        for name, query in asked.items()
        if name not in known or now - known[name].at >= settings.scrape_interval
    }


def nudges(state: State, observation: Observation, generation: int, now: datetime) -> tuple[Nudge, ...]:
    """While traffic moves, each pod that has not read the new table is made to; again now and then until it has."""
    return tuple(_nudges(state, observation, generation, now))


def next_look(state: State, step: Step | None, at: Situation, blocked: Outlook | None) -> timedelta | None:
    """When to look without an event; None where the periodic resync is enough."""
    if step and step.turn in _AT_ONCE:
        return timedelta(0)
    if isinstance(state, NotUnderstood):
        return None
    if at.observation.model.spec.suspend:
        return _UNREADY_LOOK if isinstance(state, Preparing) and state.is_exposed else None
    if blocked:
        return _BLOCKED_LOOK
    if _is_moving(state):
        return _MOVING_LOOK
    if isinstance(state, Climbing | Baking):
        return at.settings.scrape_interval
    if step and step.turn is Turn.WITHDRAWN:
        return timedelta(0)
    left = _time_left(state, at.observation, at.now)
    if isinstance(state, Preparing) or _is_waiting_for_pods(state, at.observation):
        return _UNREADY_LOOK if left else _LATE_LOOK
    return left


def _is_moving(state: State) -> bool:
    """Whether pods are on their way to another table."""
    return isinstance(state, Draining | Withdrawing) or (isinstance(state, Climbing) and state.watched is None)


def _nudges(state: State, observation: Observation, generation: int, now: datetime) -> Iterator[Nudge]:
    since = _moved(state)
    if since is None:
        return
    again = max(now - since, timedelta(0)) // _NUDGE_AGAIN
    value = f"{generation}.{again}" if again else str(generation)
    for pod in _pods(state, observation):
        is_behind = pod.report is not None and not has_read(pod, generation)
        if pod.nudged.partition(".")[0] != str(generation) or (is_behind and pod.nudged != value):
            yield Nudge(pod.name, pod.uid, value)


def _moved(state: State) -> datetime | None:
    """Since when the pods have another table to read; None where no haste is needed."""
    match state:
        case Draining() | Climbing() | Withdrawing() | Baking():
            return state.since
        case Preparing() if state.is_exposed:
            return state.canary.since
        case _:
            return None


def _time_left(state: State, observation: Observation, now: datetime) -> timedelta | None:
    """Until the progress deadline of what is on its way; None where nothing is, or it has passed."""
    if isinstance(state, Preparing):
        since = state.canary.since
    elif isinstance(state, Starting | Progressing):
        since = state.target.since
    else:
        return None
    left = since + observation.model.spec.rollout.progress_deadline - now
    return left if left > timedelta(0) else None


def _is_waiting_for_pods(state: State, observation: Observation) -> bool:
    """Whether a pod runs without being ready: it may say why, and no event tells us."""
    return any(pod.is_running and not pod.ready for pod in _pods(state, observation))


def _pods(state: State, observation: Observation) -> Iterator[PodSeen]:
    """Those of every revision that runs in this state."""
    for revision in replicas_of(state, observation.model.spec.serving.replicas):
        yield from alive(observation.pods, revision)
