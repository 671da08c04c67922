"""The state's form in `status`: `encode` before a save, `decode` after a read.

Status is the operator's only memory. What cannot be read becomes `NotUnderstood`, which holds everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, assert_never

from bankmodel_operator.api.duration import format_duration, parse_duration
from bankmodel_operator.core.ladder import Ladder, Rung
from bankmodel_operator.core.observation import format_time, parse_time
from bankmodel_operator.core.states import (
    Baking,
    Climbing,
    Draining,
    Fit,
    NotUnderstood,
    Preparing,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Unseen,
    Watched,
    Withdrawing,
)

Saved = dict[str, Any]


def decode(status: Mapping[str, Any]) -> State:
    """The saved state; `Unseen` where none is saved."""
    name = (status.get("rollout") or {}).get("state")
    if not name:
        return Unseen()
    try:
        return _READERS[name](status, status["rollout"])
    except (KeyError, IndexError, TypeError, ValueError):
        return NotUnderstood(str(name))


def encode(state: State, since: datetime) -> Saved:
    """`stable`, `canary` and `rollout` (without the routing generation). `since`: when the state began, where the state
    itself does not say."""
    begun = {"weight": 0, "since": format_time(since)}
    match state:
        case Unseen():
            return {"stable": None, "canary": None, "rollout": {}}
        case Starting(target):
            return _told(None, None, {"state": "Starting", "target": _saved(target), **begun})
        case Serving(stable):
            return _told(stable, None, {"state": "Serving", **begun})
        case Progressing(stable, target, capacity):
            rollout = {"state": "Progressing", "target": _saved(target), "capacity": capacity, **begun}
            return _told(stable, None, rollout)
        case Preparing(stable, canary):
            return _told(stable, canary, {"state": "Preparing", **begun, **_trial(state)})
        case Climbing(stable, canary):
            return _told(stable, canary, {"state": "Climbing", **_trial(state), **_on_rung(state)})
        case Withdrawing(stable, canary):
            return _told(stable, canary, {"state": "Withdrawing", "weight": 0, **_leaving(state)})
        case Baking(stable):
            return _told(stable, None, {"state": "Baking", **_bake(state)})
        case Draining(stable, superseded, capacity, own_since, until):
            times = {"since": format_time(own_since), "until": format_time(until)}
            rollout = {"state": "Draining", "superseded": [superseded], "capacity": capacity, "weight": 0, **times}
            return _told(stable, None, rollout)
        case NotUnderstood():
            raise ValueError(f"state {state.name!r} is not understood and must be kept as it was read")
        case _:
            assert_never(state)


# Writing


def _told(stable: Revision | None, canary: Revision | None, rollout: Saved) -> Saved:
    return {
        "stable": _saved(stable) if stable else None,
        "canary": _saved(canary) if canary else None,
        "rollout": {key: value for key, value in rollout.items() if value is not None},
    }


def _trial(state: Preparing | Climbing) -> Saved:
    fit = state.fit
    return {
        "capacity": state.capacity,
        "started": format_time(state.started),
        "ladder": _saved_ladder(state.ladder),
        "fit": {"awaits": list(fit.awaits), "outputs": fit.outputs} if fit else None,
        "promotionOrdered": state.is_promoted or None,
        "promotionSpent": state.is_spent or None,
        "exposed": (isinstance(state, Preparing) and state.is_exposed) or None,
    }


def _on_rung(state: Climbing) -> Saved:
    return {
        "step": state.rung,
        "highestStep": state.highest or None,
        "weight": state.on.weight,
        "mirror": state.on.is_shadow or None,
        "since": format_time(state.since),
        "watched": _saved_watch(state.watched),
    }


def _leaving(state: Withdrawing) -> Saved:
    return {
        "capacity": state.capacity,
        "canaryCapacity": state.canary_capacity,
        "since": format_time(state.since),
        "until": format_time(state.until),
    }


def _bake(state: Baking) -> Saved:
    return {
        "superseded": [state.before.revision],
        "before": _saved(state.before),
        "capacity": state.capacity,
        "since": format_time(state.since),
        "watched": _saved_watch(state.watched),
        "promotionOrdered": state.is_ordered or None,
        "ladder": _saved_ladder(state.ladder) if state.ladder else None,
    }


def _saved_ladder(ladder: Ladder) -> Saved:
    rungs = [{"weight": rung.weight, "hold": format_duration(rung.hold)} for rung in ladder.rungs]
    return {"rungs": rungs, **({"stickyBy": dict([ladder.sticky])} if ladder.sticky else {})}


def _saved_watch(watched: Watched | None) -> Saved | None:
    return {"held": format_duration(watched.held), "seen": format_time(watched.seen)} if watched else None


def _saved(revision: Revision) -> Saved:
    return {
        "revision": revision.revision,
        "version": revision.version,
        "sha256": revision.sha256,
        "image": revision.image,
        "since": format_time(revision.since),
    }


# Reading


def _read_draining(status: Mapping[str, Any], rollout: Mapping[str, Any]) -> State:
    return Draining(
        _revision(status["stable"]),
        rollout["superseded"][0],
        capacity=int(rollout["capacity"]),
        since=parse_time(rollout["since"]),
        until=parse_time(rollout["until"]),
    )


def _read_preparing(status: Mapping[str, Any], rollout: Mapping[str, Any]) -> State:
    return Preparing(**_read_trial(status, rollout), fit=_fit(rollout), is_exposed=bool(rollout.get("exposed")))


def _read_climbing(status: Mapping[str, Any], rollout: Mapping[str, Any]) -> State:
    fit, rung, highest = _fit(rollout), int(rollout["step"]), int(rollout.get("highestStep", 0))
    trial, since = _read_trial(status, rollout), parse_time(rollout["since"])
    if fit is None or not {rung, highest} <= {*range(len(trial["ladder"].rungs))}:
        raise ValueError("a rung that is not on the ladder, or no comparison")
    return Climbing(**trial, rung=rung, since=since, fit=fit, watched=_watch(rollout), highest=highest)


def _read_withdrawing(status: Mapping[str, Any], rollout: Mapping[str, Any]) -> State:
    return Withdrawing(
        _revision(status["stable"]),
        _revision(status["canary"]),
        capacity=int(rollout["capacity"]),
        canary_capacity=int(rollout["canaryCapacity"]),
        since=parse_time(rollout["since"]),
        until=parse_time(rollout["until"]),
    )


def _read_baking(status: Mapping[str, Any], rollout: Mapping[str, Any]) -> State:
    watched = _watch(rollout)
    if watched is None:
        raise ValueError("a bake that nobody watches")
    return Baking(
        _revision(status["stable"]),
        _revision(rollout["before"]),
        capacity=int(rollout["capacity"]),
        since=parse_time(rollout["since"]),
        watched=watched,
        is_ordered=bool(rollout.get("promotionOrdered")),
        ladder=_ladder(rollout["ladder"]) if rollout.get("ladder") else None,
    )


def _read_trial(status: Mapping[str, Any], rollout: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stable": _revision(status["stable"]),
        "canary": _revision(status["canary"]),
        "capacity": int(rollout["capacity"]),
        "ladder": _ladder(rollout["ladder"]),
        "started": parse_time(rollout["started"]),
        "is_promoted": bool(rollout.get("promotionOrdered")),
        "is_spent": bool(rollout.get("promotionSpent")),
    }


def _ladder(saved: Mapping[str, Any]) -> Ladder:
    rungs = tuple(Rung(int(each["weight"]), parse_duration(each["hold"])) for each in saved["rungs"])
    if not rungs or not rungs[-1].is_last:
        raise ValueError("a ladder that leads nowhere")
    sticky = next(iter((saved.get("stickyBy") or {}).items()), None)
    return Ladder(rungs, sticky)


def _fit(rollout: Mapping[str, Any]) -> Fit | None:
    saved = rollout.get("fit")
    return None if saved is None else Fit(tuple(saved.get("awaits") or ()), saved.get("outputs", ""))


def _watch(rollout: Mapping[str, Any]) -> Watched | None:
    saved = rollout.get("watched")
    return None if saved is None else Watched(parse_duration(saved["held"]), parse_time(saved["seen"]))


def _revision(saved: Mapping[str, Any]) -> Revision:
    return Revision(
        revision=saved["revision"],
        version=saved.get("version", ""),
        sha256=saved.get("sha256", ""),
        image=saved.get("image", ""),
        since=parse_time(saved["since"]),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], State]] = {
    "Starting": lambda status, rollout: Starting(_revision(rollout["target"])),
    "Serving": lambda status, rollout: Serving(_revision(status["stable"])),
    "Progressing": lambda status, rollout: Progressing(
        _revision(status["stable"]), _revision(rollout["target"]), capacity=int(rollout["capacity"])
    ),
    "Preparing": _read_preparing,
    "Climbing": _read_climbing,
    "Withdrawing": _read_withdrawing,
    "Baking": _read_baking,
    "Draining": _read_draining,
}
