"""The turn of a canary that gets no more requests: when its pods may go."""

from __future__ import annotations

from bankmodel_operator.core.states import Serving, Turn, Withdrawing
from bankmodel_operator.core.turns.replacing import LEAST_DRAIN
from bankmodel_operator.core.turns.step import Situation, Step
from bankmodel_operator.core.verification import is_off


def from_withdrawing(state: Withdrawing, at: Situation) -> Step | None:
    """When nobody sends it anything, and what was under way has ended; or its last grant has run out."""
    is_over = at.now - state.since >= LEAST_DRAIN and is_off(state, at.observation)
    return Step(Turn.WITHDRAWN, Serving(state.stable)) if is_over or at.now >= state.until else None
