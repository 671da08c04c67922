"""The turns of a canary that gets its pods: it must be ready and fit to what callers send before it meets a request."""

from __future__ import annotations

from dataclasses import replace

from bankmodel_operator.core import emergency
from bankmodel_operator.core.desired import peer_address
from bankmodel_operator.core.fit import compare, misfit
from bankmodel_operator.core.observation import Observation
from bankmodel_operator.core.peers import mistrust
from bankmodel_operator.core.pods import ready_count
from bankmodel_operator.core.states import Climbing, Fit, Preparing, Progressing, Serving, Turn
from bankmodel_operator.core.turns.leaving import leave, reason_to_leave
from bankmodel_operator.core.turns.step import Situation, Step, whole


def from_preparing(state: Preparing, at: Situation) -> Step | None:
    observation = at.observation
    if rejection := reason_to_leave(state, at):
        return leave(state, at, rejection)
    if at.target.revision != state.canary.revision:
        return leave(state, at) if state.is_exposed else Step(Turn.TARGET_WITHDRAWN, Serving(state.stable))
    if observation.model.spec.suspend:
        return None
    if is_ordered(state, at):
        return Step(Turn.PROMOTION_ORDERED, replace(state, is_promoted=True))
    if replaced := replaces_the_stable(state, at):
        return replaced
    if state.fit is None:
        fit = compare(state, observation)
        return Step(Turn.COMPARED, replace(state, fit=fit)) if fit else None
    return _first_step(state, state.fit, at)


def is_ordered(state: Preparing | Climbing, at: Situation) -> bool:
    """Whether somebody orders the promotion, who has not before."""
    is_open = not state.is_promoted and not state.is_spent
    return is_open and emergency.is_promoted(at.observation, state.canary.revision)


def replaces_the_stable(state: Preparing | Climbing, at: Situation) -> Step | None:
    """No stable pod is ready, and somebody ordered the promotion: there is nothing left to compare or split with."""
    pods = at.observation.pods
    is_alone = not ready_count(pods, state.stable.revision) and ready_count(pods, state.canary.revision) > 0
    if not (state.is_promoted and is_alone):
        return None
    target = replace(state.canary, since=at.now)
    return Step(Turn.STABLE_REPLACED, Progressing(state.stable, target, capacity=state.capacity))


def _first_step(state: Preparing, fit: Fit, at: Situation) -> Step | None:
    rung = len(state.ladder.rungs) - 1 if state.is_promoted else 0
    pods, wanted = at.observation.pods, state.ladder.capacity(rung, whole(state, at))
    has_stable = ready_count(pods, state.stable.revision) > 0
    if not has_stable or ready_count(pods, state.canary.revision) < wanted or not can_split(state, at.observation):
        return None
    if not state.is_promoted and _is_kept_back(state, fit, at):
        return None
    climbing = Climbing(
        state.stable,
        state.canary,
        state.capacity,
        state.ladder,
        state.started,
        rung=rung,
        since=at.now,
        fit=fit,
        is_promoted=state.is_promoted,
        highest=rung,
        is_spent=state.is_spent,
    )
    return Step(Turn.STEP_STARTED, climbing)


def _is_kept_back(state: Preparing, fit: Fit, at: Situation) -> bool:
    found = emergency.pause(at.observation) or misfit(fit, state.ladder.rungs[0], at.observation)
    return bool(found or mistrust(state, at.observation))


def can_split(state: Preparing, observation: Observation) -> bool:
    """Whether the stable's pods know how to send a share on, and the canary's how to take it."""
    return all(peer_address(observation, each.revision) for each in (state.stable, state.canary))
