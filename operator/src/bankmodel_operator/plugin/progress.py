"""How far a rollout is: whether it is done, what it waits for, and how long that takes. Pure; used by `drawing` and `watch`."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from bankmodel_operator.core.states import Baking, Climbing, Draining, NotUnderstood, Preparing, Withdrawing
from bankmodel_operator.core.turns.watching import held
from bankmodel_operator.plugin.seen import Seen

__all__ = [
    "Standing",
    "earliest_end",
    "latest_end",
    "left_of_bake",
    "left_of_hold",
    "reasons_to_wait",
    "span",
    "standing",
]

_NOTHING = timedelta(0)


class Standing(Enum):
    """As a script wants to know it; the value is the exit code of `rollout status`."""

    DONE = 0
    FAILED = 1
    MOVING = 3


def standing(model: Seen) -> Standing:
    """By the rules of kstatus: what is said about an older spec says nothing about this one."""
    if not model.is_current:
        return Standing.MOVING
    if _is_true(model, "Stalled"):
        return Standing.FAILED
    return Standing.DONE if _is_true(model, "Ready") else Standing.MOVING


def reasons_to_wait(model: Seen, now: datetime) -> tuple[str, ...]:
    """Why it does not go on at once, the most pressing first; empty when nothing is under way."""
    if not model.is_current:
        return (
            f"the operator has not looked at this spec yet (generation {model.generation}, it saw "
            f"{model.status.observed_generation}); if that lasts, see whether it runs",
        )
    return _of_state(model, now)


def left_of_hold(state: Climbing, now: datetime) -> timedelta:
    """Of the present step; the whole hold while its weight is not in force."""
    passed = held(state.watched, now) if state.watched else _NOTHING
    return max(state.on.hold - passed, _NOTHING)


def left_of_bake(model: Seen, state: Baking, now: datetime) -> timedelta:
    return max(model.spec.rollout.bake - held(state.watched, now), _NOTHING)


def earliest_end(model: Seen, now: datetime) -> datetime | None:
    """If every step takes no longer than it must: holds, requests at today's pace, bake. None: nobody can say."""
    state, bake = model.state, model.spec.rollout.bake
    match state:
        case Preparing():
            return now + sum((rung.hold for rung in state.ladder.rungs), bake)
        case Climbing():
            eta = model.status.canary.eta if model.status.canary else None
            step = max(left_of_hold(state, now), (eta or now) - now)
            rest = sum((rung.hold for rung in state.ladder.rungs[state.rung + 1 :]), bake)
            return now + step + rest
        case Baking():
            return now + left_of_bake(model, state, now)
        case _:
            return None


def latest_end(model: Seen) -> datetime | None:
    """When the whole trial is given up; None where none is under way, or it may take for ever."""
    state, deadline = model.state, model.spec.rollout.deadline
    return state.started + deadline if isinstance(state, Preparing | Climbing) and deadline else None


def span(length: timedelta) -> str:
    """The two greatest units: `3d4h`, `1h30m`, `45s`; `0s` for what is over."""
    left, parts = max(int(length.total_seconds()), 0), []
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, seconds)
        parts.append((number, unit))
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return "".join(f"{number}{unit}" for number, unit in parts[first : first + 2] if number) or "0s"


def _of_state(model: Seen, now: datetime) -> tuple[str, ...]:
    match model.state:
        case Climbing():
            found = (*model.pauses, *_of_rung(model, model.state, now))
        case Preparing():
            found = (*model.pauses, *_message(model))
        case Baking():
            left = left_of_bake(model, model.state, now)
            found = (*_open_checks(model), f"{span(left)} of the bake are left" if left else "the bake is over")
        case Withdrawing(until=until):
            found = (
                f"every stable pod must know that the canary gets nothing; that is certain in {span(until - now)}",
            )
        case Draining(until=until):
            found = (f"the old pods finish what they have begun; at the latest in {span(until - now)}",)
        case NotUnderstood():
            found = ("its state is not known to this version: install the bankmodel package of the operator's version",)
        case _:
            found = () if standing(model) is Standing.DONE else _message(model)
    return found


def _of_rung(model: Seen, state: Climbing, now: datetime) -> tuple[str, ...]:
    if state.watched is None:
        return (f"its weight is not in force yet: not every stable pod confirms it (for {span(now - state.since)})",)
    left = left_of_hold(state, now)
    if state.is_promoted:
        return ("it is to be promoted, by order: its pods must be ready for all requests",)
    return (*_open_checks(model), *([f"{span(left)} of the hold are left"] if left else []))


def _open_checks(model: Seen) -> tuple[str, ...]:
    verdicts = model.status.rollout.verdicts
    if not verdicts:
        return ("no check has been judged on this step yet",)
    return tuple(f"check {each.name} {each.verdict}: {each.message}" for each in verdicts if each.verdict != "PASS")


def _message(model: Seen) -> tuple[str, ...]:
    ready = model.condition("Ready")
    return (ready.message,) if ready and ready.message else ()


def _is_true(model: Seen, kind: str) -> bool:
    found = model.condition(kind)
    return found is not None and found.status == "True"
