"""The turns of a new stable beside the one before it: watched to the end, or back at once."""

from __future__ import annotations

from dataclasses import replace

from bankmodel_operator.core import emergency
from bankmodel_operator.core.ledger import Rejection
from bankmodel_operator.core.states import Baking, Draining, Revision, Turn
from bankmodel_operator.core.turns.leaving import aborted, failed
from bankmodel_operator.core.turns.step import Situation, Step
from bankmodel_operator.core.turns.watching import SAVED_EVERY, held, looked


def from_baking(state: Baking, at: Situation) -> Step | None:
    if rejection := aborted(at, state.stable.revision) or failed(at):
        return _back(state, at, rejection)
    if at.target.revision == state.before.revision:
        return _back(state, at, None)
    if at.observation.model.spec.suspend:
        return None
    is_named = emergency.is_promoted(at.observation, state.stable.revision)
    if state.is_ordered and not is_named:
        return Step(Turn.WATCHED, replace(state, is_ordered=False, watched=looked(state.watched, at.now)))
    is_ended = is_named and not state.is_ordered
    if is_ended or held(state.watched, at.now) >= at.observation.model.spec.rollout.bake:
        return Step(Turn.BAKED, _drain(state.stable, state.before, state, at))
    if at.now - state.watched.seen >= SAVED_EVERY:
        return Step(Turn.WATCHED, replace(state, watched=looked(state.watched, at.now)))
    return None


def _back(state: Baking, at: Situation, rejection: Rejection | None) -> Step:
    before = replace(state.before, since=at.now)
    turn = Turn.ROLLED_BACK if rejection else Turn.CANCELLED
    return Step(turn, _drain(before, state.stable, state, at), rejection)


def _drain(stable: Revision, superseded: Revision, state: Baking, at: Situation) -> Draining:
    until = at.now + at.settings.drain_deadline
    return Draining(stable, superseded.revision, capacity=state.capacity, since=at.now, until=until)
