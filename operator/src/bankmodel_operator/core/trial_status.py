"""What status says of a trial: the rung, the verdicts with their figures, how many requests there are and are needed.

Figures change with every look, so they are refreshed with the turns, with a changed verdict, and once a minute: an idle
pass writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bankmodel_operator.core.analysis.verdicts import verdict_status
from bankmodel_operator.core.observation import format_time, parse_time
from bankmodel_operator.core.states import Baking, Climbing, State, Turn
from bankmodel_operator.core.turns import Situation, Step

_FIGURES = ("requests", "needed", "eta")
_REFRESHED_EVERY = timedelta(minutes=1)

Saved = dict[str, Any]


def trial_status(at: Situation, state: State, step: Step | None, saved: Saved, generation: int) -> Saved:
    """`canary` and `rollout`. `saved`: the state's own form."""
    canary, rollout = saved["canary"], {**saved["rollout"], "generation": generation}
    if not isinstance(state, Climbing | Baking) or _is_new_window(step):
        return {"canary": canary, "rollout": rollout}
    old = at.observation.status
    if _is_due(at, old):
        told = _figures(at)
        rollout |= {"verdicts": [verdict_status(each) for each in at.evidence.results], "judged": format_time(at.now)}
    else:
        told = {key: (old.get("canary") or {}).get(key) for key in _FIGURES}
        before = old.get("rollout") or {}
        rollout |= {key: before[key] for key in ("verdicts", "judged") if key in before}
    if canary is not None:
        canary = {**canary, **{key: value for key, value in told.items() if value is not None}}
    return {"canary": canary, "rollout": rollout}


def _is_new_window(step: Step | None) -> bool:
    return step is not None and step.turn is not Turn.WATCHED


def _is_due(at: Situation, old: Mapping[str, Any]) -> bool:
    rollout = old.get("rollout") or {}
    judged = rollout.get("judged")
    before = {each.get("name"): each.get("verdict") for each in rollout.get("verdicts") or ()}
    now = {each.name: str(each.verdict) for each in at.evidence.results}
    return before != now or judged is None or at.now - parse_time(judged) >= _REFRESHED_EVERY


def _figures(at: Situation) -> Saved:
    window, results = at.evidence.window, at.evidence.results
    if window is None:
        return {}
    etas = [each.eta for each in results if each.eta is not None]
    return {
        "requests": window.of_canary.requests,
        "needed": max((each.needed for each in results if each.needed is not None), default=None),
        "eta": format_time(max(etas)) if etas else None,
    }
