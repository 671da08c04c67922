"""The turns of a canary on the ladder. Down comes before up, and up needs everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bankmodel_operator.core import emergency
from bankmodel_operator.core.children.routing import granted_until
from bankmodel_operator.core.fit import misfit
from bankmodel_operator.core.live import routing_of
from bankmodel_operator.core.pods import ready_count
from bankmodel_operator.core.states import Baking, Climbing, Preparing, Turn, Watched
from bankmodel_operator.core.turns.leaving import leave, reason_to_leave
from bankmodel_operator.core.turns.preparing import is_ordered, replaces_the_stable
from bankmodel_operator.core.turns.step import Situation, Step, whole
from bankmodel_operator.core.turns.watching import SAVED_EVERY, held, looked
from bankmodel_operator.core.verification import is_in_force


def from_climbing(state: Climbing, at: Situation) -> Step | None:
    observation = at.observation
    if rejection := reason_to_leave(state, at):
        return leave(state, at, rejection)
    if at.target.revision != state.canary.revision:
        return leave(state, at)
    if observation.model.spec.suspend:
        return Step(Turn.SUSPENDED, _without_requests(state, at))
    if is_ordered(state, at):
        return Step(Turn.PROMOTION_ORDERED, replace(state, is_promoted=True))
    if replaced := replaces_the_stable(state, at):
        return replaced
    if not ready_count(observation.pods, state.canary.revision):
        return Step(Turn.CANARY_LOST, _without_requests(state, at))
    if _has_lapsed(state, at):
        return Step(Turn.LAPSED, replace(state, since=at.now, watched=None))
    if state.watched is None:
        return _verified(state, at)
    return _next_rung(state, at) or _watch_saved(state, at)


def is_held_long_enough(state: Climbing, now: datetime) -> bool:
    """Whether the rung was watched for its whole hold."""
    return state.watched is not None and held(state.watched, now) >= state.on.hold


def _without_requests(state: Climbing, at: Situation) -> Preparing:
    """Back before the first rung: its pods stay, and it starts afresh."""
    canary = replace(state.canary, since=at.now)
    return Preparing(
        state.stable,
        canary,
        state.capacity,
        state.ladder,
        state.started,
        fit=state.fit,
        is_exposed=True,
        is_promoted=state.is_promoted,
        is_spent=state.is_spent,
    )


def _has_lapsed(state: Climbing, at: Situation) -> bool:
    """Nobody renewed the grant in time, so the pods stopped by themselves. Only a table that is in force can lapse."""
    until = granted_until(routing_of(at.observation))
    return state.watched is not None and until is not None and until <= at.now


def _verified(state: Climbing, at: Situation) -> Step | None:
    if is_in_force(state, at.observation):
        return Step(Turn.WEIGHT_IN_FORCE, replace(state, watched=Watched.from_now(at.now)))
    if at.now - state.since < at.observation.model.spec.rollout.progress_deadline or state.rung == 0:
        return None
    return Step(Turn.NOT_VERIFIED, replace(state, rung=state.rung - 1, since=at.now, watched=None))


def _next_rung(state: Climbing, at: Situation) -> Step | None:
    if emergency.pause(at.observation):
        return None
    if state.is_promoted and not state.on.is_last:
        return _up_to(len(state.ladder.rungs) - 1, state, at)  # by order: without what is left of the ladder
    if not is_held_long_enough(state, at.now):
        return None
    if state.on.is_last:
        return _promoted(state, at)  # there is no stable traffic left to compare with: only a FAIL counts here
    has_passed = at.evidence.has_passed and _is_told(at)
    is_fit = not misfit(state.fit, state.ladder.rungs[state.rung + 1], at.observation)
    return _up_to(state.rung + 1, state, at) if has_passed and is_fit else None


def _is_told(at: Situation) -> bool:
    """Whether status says PASS of every check: saved first, like everything, so that nobody sees a weight rise on an UNKNOWN."""
    told = {each.get("name"): each.get("verdict") for each in (at.observation.status["rollout"].get("verdicts") or ())}
    return told == {each.name: str(each.verdict) for each in at.evidence.results}


def _up_to(rung: int, state: Climbing, at: Situation) -> Step | None:
    pods = at.observation.pods
    if ready_count(pods, state.canary.revision) < state.ladder.capacity(rung, whole(state, at)):
        return None
    if not ready_count(pods, state.stable.revision):
        return None
    highest = max(rung, state.highest)
    return Step(Turn.STEP_STARTED, replace(state, rung=rung, since=at.now, watched=None, highest=highest))


def _promoted(state: Climbing, at: Situation) -> Step | None:
    is_whole = ready_count(at.observation.pods, state.canary.revision) >= whole(state, at)
    if not is_whole or not is_in_force(state, at.observation):
        return None
    stable = replace(state.canary, since=at.now)
    baking = Baking(
        stable,
        state.stable,
        whole(state, at),
        since=at.now,
        watched=Watched.from_now(at.now),
        is_ordered=state.is_promoted,
        ladder=state.ladder,
    )
    return Step(Turn.PROMOTED, baking)


def _watch_saved(state: Climbing, at: Situation) -> Step | None:
    watched = state.watched
    if watched is None or at.now - watched.seen < SAVED_EVERY:
        return None
    return Step(Turn.WATCHED, replace(state, watched=looked(watched, at.now)))
