"""The turning points of a rollout as Kubernetes events: a turn taken, or a failure that was not there before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from bankmodel_operator.core.conditions import Outlook, Reason
from bankmodel_operator.core.observation import Event
from bankmodel_operator.core.states import (
    Baking,
    Climbing,
    Draining,
    NotUnderstood,
    Preparing,
    Progressing,
    Revision,
    Serving,
    Starting,
    Turn,
    Unseen,
    Withdrawing,
)
from bankmodel_operator.core.turns import Situation, Step

_QUIET = (Turn.WATCHED, Turn.COMPARED)
"""Turns that save something and change nothing."""
_GRAVE = (Turn.ROLLED_BACK, Turn.NOT_VERIFIED, Turn.LAPSED, Turn.CANARY_LOST, Turn.TAKEN_BACK, Turn.STABLE_REPLACED)


def happenings(step: Step | None, found: Outlook, at: Situation) -> Iterator[Event]:
    """None for a pass in which nothing turned."""
    if step and step.turn not in _QUIET:
        yield Event("Warning" if step.turn in _GRAVE else "Normal", str(step.turn), _told(step, at))
    before = {each.get("type"): each for each in at.observation.status.get("conditions") or ()}.get("Stalled", {})
    is_known = before.get("status") == "True" and before.get("reason") == found.reason
    if (found.kind == "Stuck" or found.reason is Reason.NOT_UNDERSTOOD) and not is_known:
        yield Event("Warning", str(found.reason), found.message)


def _told(step: Step, at: Situation) -> str:
    if step.turn is Turn.TAKEN_BACK and isinstance(step.state, Progressing):
        return (
            f"Callers return to {_name(step.state.stable)}, "
            f"because no pod of revision {step.state.target.revision} is ready."
        )
    if step.rejection is not None:
        return f"{step.rejection.message} {_moved_back(step)}"
    match step.state:
        case Serving(stable):
            return f"{_called(stable)} serves."
        case Draining(stable, superseded):
            return f"Callers move to {_name(stable)}; {superseded} drains."
        case Starting(target) | Progressing(_, target):
            return f"{_called(target)} starts."
        case Preparing(_, canary):
            return _told_preparing(step.turn, canary)
        case Climbing():
            return f"{_on_rung(step.turn, step.state)}{_judged(at)}"
        case Withdrawing(stable, canary):
            return f"{_called(canary)} is not asked for any more and gets no requests; {_name(stable)} serves."
        case Baking(stable, before):
            return f"{_called(stable)} is promoted; {_name(before)} stays ready until the bake is over.{_judged(at)}"
        case Unseen() | NotUnderstood():
            raise AssertionError(f"no turn leads to {step.state}")
        case _:
            assert_never(step.state)


def _moved_back(step: Step) -> str:
    match step.state:
        case Withdrawing(stable, canary):
            return f"{_called(canary)} gets no requests any more; {_name(stable)} serves."
        case Draining(stable, superseded):
            return f"Callers move back to {_name(stable)}; {superseded} drains."
        case _:
            raise AssertionError(f"a rejection does not lead to {step.state}")


def _told_preparing(turn: Turn, canary: Revision) -> str:
    match turn:
        case Turn.CANARY_LOST:
            return f"No pod of {_name(canary)} is ready, so it gets no requests; it starts afresh when they are."
        case Turn.SUSPENDED:
            return f"spec.suspend is true, so {_name(canary)} gets no requests."
        case Turn.PROMOTION_ORDERED:
            return f"{_called(canary)} is to be promoted, by order."
        case _:
            return f"{_called(canary)} starts its trial."


def _on_rung(turn: Turn, state: Climbing) -> str:
    share = "copies of all requests" if state.on.is_shadow else f"{state.on.weight} % of the requests"
    place = f"step {state.rung + 1} of {len(state.ladder.rungs)}"
    match turn:
        case Turn.WEIGHT_IN_FORCE:
            return f"{_called(state.canary)} gets {share} ({place}), as every stable pod confirms."
        case Turn.NOT_VERIFIED:
            return f"Not every stable pod confirmed the weight in time; back to {share} ({place})."
        case Turn.LAPSED:
            return (
                f"Nobody renewed the canary's share in time, so pods fell back to the stable; {share} again ({place})."
            )
        case Turn.PROMOTION_ORDERED:
            return f"{_called(state.canary)} is to be promoted, by order."
        case _:
            return f"{_called(state.canary)} is to get {share} ({place})."


def _judged(at: Situation) -> str:
    """The figures that this turn was decided on."""
    said = "; ".join(f"{each.name} {each.verdict}: {each.message}" for each in at.evidence.results)
    return f" {said}"[:700] if said else ""


def _called(revision: Revision) -> str:
    """At the start of a sentence."""
    return f"Revision {revision.revision} (version {revision.version})"


def _name(revision: Revision) -> str:
    return f"revision {revision.revision} (version {revision.version})"
