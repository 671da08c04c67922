"""The state's form in `status`: `encode` before a save, `decode` after a read.

Status is the operator's only memory. What cannot be read becomes `NotUnderstood`, which holds everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from bankmodel_operator.core.observation import format_time, parse_time
from bankmodel_operator.core.states import (
    Draining,
    NotUnderstood,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Unseen,
)

Saved = dict[str, Any]


def decode(status: Mapping[str, Any]) -> State:
    """The saved state; `Unseen` where none is saved."""
    rollout = status.get("rollout") or {}
    name = rollout.get("state")
    if not name:
        return Unseen()
    try:
        return _decode(name, rollout, status.get("stable") or {})
    except (KeyError, IndexError, TypeError, ValueError):
        return NotUnderstood(str(name))


def _decode(name: str, rollout: Mapping[str, Any], stable: Mapping[str, Any]) -> State:
    match name:
        case "Starting":
            return Starting(_revision(rollout["target"]))
        case "Serving":
            return Serving(_revision(stable))
        case "Progressing":
            return Progressing(_revision(stable), _revision(rollout["target"]), capacity=int(rollout["capacity"]))
        case "Draining":
            return Draining(
                _revision(stable),
                rollout["superseded"][0],
                capacity=int(rollout["capacity"]),
                since=parse_time(rollout["since"]),
                until=parse_time(rollout["until"]),
            )
        case _:
            return NotUnderstood(name)


def encode(state: State, since: datetime) -> tuple[Saved | None, Saved]:
    """`status.stable` and `status.rollout` (without the routing generation). `since`: when the state began."""
    begun = {"weight": 0, "since": format_time(since)}
    match state:
        case Unseen():
            return None, {}
        case Starting(target):
            return None, {"state": "Starting", "target": _saved(target), **begun}
        case Serving(stable):
            return _saved(stable), {"state": "Serving", **begun}
        case Progressing(stable, target, capacity):
            rollout = {"state": "Progressing", "target": _saved(target), "capacity": capacity, **begun}
            return _saved(stable), rollout
        case Draining(stable, superseded, capacity, own_since, until):
            times = {"since": format_time(own_since), "until": format_time(until)}
            rollout = {"state": "Draining", "superseded": [superseded], "capacity": capacity, "weight": 0, **times}
            return _saved(stable), rollout
        case NotUnderstood():
            raise ValueError(f"state {state.name!r} is not understood and must be kept as it was read")
        case _:
            assert_never(state)


def _revision(saved: Mapping[str, Any]) -> Revision:
    return Revision(
        revision=saved["revision"],
        version=saved.get("version", ""),
        sha256=saved.get("sha256", ""),
        image=saved.get("image", ""),
        since=parse_time(saved["since"]),
    )


def _saved(revision: Revision) -> Saved:
    return {
        "revision": revision.revision,
        "version": revision.version,
        "sha256": revision.sha256,
        "image": revision.image,
        "since": format_time(revision.since),
    }
