"""The second half of `make demo`: version 2 on trial under load, from copies to the end of its bake, then a broken version 3."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.steps import say, step
from system.scene import Scene
from system.trial import PROMOTE, Trial

__all__ = ["RATE", "Told", "trials"]

RATE = 50
_BAKE_WATCHED_S = 15.0
_CHECKS = (
    {"name": "errors", "errorRate": {"max": "1%"}},
    {"name": "flips", "decisionFlips": {"max": "50%"}},
)
_ROLLOUT = {
    "shadow": {"hold": "10s"},
    "steps": [{"weight": 5, "hold": "10s"}, {"weight": 50, "hold": "10s"}],
    "bake": "1m",
    "checks": list(_CHECKS),
    "minRequests": 30,
}
"""Short holds and few requests, so that it can be watched; a bank's ladder takes hours or days."""
_WITHOUT_COPIES = {key: value for key, value in _ROLLOUT.items() if key != "shadow"}


@dataclass(frozen=True)
class Told:
    """Seconds, and what became of the requests."""

    climbed_s: float
    baked_s: float
    found_s: float
    taken_back_s: float
    sent: int
    failures: tuple[str, ...]


def trials(scene: Scene, broken: str) -> Told:
    """Version 2 climbs, bakes and takes over; then BROKEN is applied, and goes. The load never stops."""
    trial = Trial(scene)
    with trial.under_load(RATE):
        with step(f"applying version 2 under {RATE} requests/s: copies, 5 %, 50 %, all of them, bake"):
            climbed_s, baked_s = _good(trial)
        with step(f"applying version {broken}, which fails on every large loan"):
            found_s, taken_back_s = _broken(trial, broken)
    return Told(climbed_s, baked_s, found_s, taken_back_s, trial.sent, tuple(trial.failures))


def _good(trial: Trial) -> tuple[float, float]:
    follow, applied = _Follower(trial), trial.apply("2", rollout=_ROLLOUT)
    new = trial.on_trial()
    trial.until("it bakes", follow("Baking"), deadline_s=150)
    climbed_s = time.time() - applied
    time.sleep(_BAKE_WATCHED_S)
    say(
        f"  the bake has gone on for {_BAKE_WATCHED_S:g} s; ending it: kubectl annotate bm {trial.name} {PROMOTE}={new}"
    )
    trial.annotate(PROMOTE, new)
    trial.until("version 2 serves", follow("Serving"))
    return climbed_s, time.time() - applied


def _broken(trial: Trial, version: str) -> tuple[float, float]:
    follow, applied = _Follower(trial), trial.apply(version, rollout=_WITHOUT_COPIES)
    trial.on_trial()
    trial.until("it is taken back", follow("Withdrawing", "Serving"))
    found_s = time.time() - applied
    entry = trial.rejected()
    lap = trial.lap()
    taken_s = max(0.0, (lap.last_at(entry["revision"]) or 0) - trial.log_time("RolledBack", applied))
    trial.until("version 2 serves", follow("Serving"))
    say(f"  {entry['message']}")
    say(f"  callers noticed nothing: the stable version answered {lap.fallbacks} requests in its stead")
    return found_s, taken_s


class _Follower:
    """Tells each change of the status once, with the seconds since the apply."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._began = time.time()
        self._told = ""

    def __call__(self, *states: str) -> Any:
        """For `Trial.until`: whether one of these states is reached."""

        def look(status: Mapping[str, Any]) -> bool:
            text = _line(status)
            if text != self._told:
                self._told = text
                say(f"  {time.time() - self._began:5.1f} s  {text}")
            return (status.get("rollout") or {}).get("state") in states

        return look


def _line(status: Mapping[str, Any]) -> str:
    rollout = status.get("rollout") or {}
    if rollout.get("state") != "Climbing":
        stable = (status.get("stable") or {}).get("version", "")
        return f"{rollout.get('state', ''):<12} version {stable} answers"
    share = "copies of all" if rollout.get("mirror") else f"{rollout.get('weight', 0)} % of the requests"
    verdicts = ", ".join(f"{each['name']} {each['verdict']}" for each in rollout.get("verdicts") or ())
    in_force = (verdicts or "in force") if rollout.get("watched") else "not yet confirmed by every pod"
    return f"{'Climbing':<12} {share}: {in_force}"
