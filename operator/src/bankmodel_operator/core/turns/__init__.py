"""Which turn a rollout takes now, one function a state. At most one a pass, and none from unsaved state."""

from __future__ import annotations

from typing import assert_never

from bankmodel_operator.core.states import (
    TRANSITIONS,
    Baking,
    Climbing,
    Draining,
    NotUnderstood,
    Preparing,
    Progressing,
    Serving,
    Starting,
    State,
    Unseen,
    Withdrawing,
)
from bankmodel_operator.core.turns.baking import from_baking
from bankmodel_operator.core.turns.climbing import from_climbing
from bankmodel_operator.core.turns.preparing import from_preparing
from bankmodel_operator.core.turns.replacing import from_draining, from_progressing
from bankmodel_operator.core.turns.serving import from_serving, from_starting, from_unseen
from bankmodel_operator.core.turns.step import Situation, Step
from bankmodel_operator.core.turns.withdrawing import from_withdrawing

__all__ = ["Situation", "Step", "next_step"]


def next_step(state: State, at: Situation) -> Step | None:
    """The turn that is due, if one is."""
    step = _step(state, at)
    if step and TRANSITIONS[type(state), step.turn] is not type(step.state):
        raise AssertionError(f"{step.turn} leads from {state} to {step.state}, which TRANSITIONS does not allow")
    return step


def _step(state: State, at: Situation) -> Step | None:
    match state:
        case Unseen():
            return from_unseen(at)
        case Starting():
            return from_starting(state, at)
        case Serving():
            return from_serving(state, at)
        case Progressing():
            return from_progressing(state, at)
        case Preparing():
            return from_preparing(state, at)
        case Climbing():
            return from_climbing(state, at)
        case Withdrawing():
            return from_withdrawing(state, at)
        case Baking():
            return from_baking(state, at)
        case Draining():
            return from_draining(state, at)
        case NotUnderstood():
            return None
        case _:
            assert_never(state)
