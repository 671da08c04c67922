"""Item 7: bad canaries, each found, with the right words; and a good one that has few callers.

CASES: names of the bad ones to try, comma separated; AT_ONCE: how many at once.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from system.bad_models import FURTHER_INPUT, make_bad
from system.scene import Scene
from system.trial import SMALL, Trial, ladder
from verify.lines import Line, exactly
from verify.rollout_quiet import in_real_time, on_a_simulated_clock
from verify.side_by_side import side_by_side
from verify.stages import scene_in

__all__ = ["item_7"]

_RATE = 20.0
_MODELS = int(os.environ.get("AT_ONCE") or 4)
_POLL_S = 1.0
_FOUND_WITHIN_S = 120.0
_ERRORS = {"name": "errors", "errorRate": {"max": "1%"}}
_LATENCY = {"name": "latency", "latency": {"quantile": "0.95", "maxRatioToStable": "1.5"}}
_SCORES = {"name": "scores", "scoreShift": {"against": "Stable", "maxPSI": "0.2"}}
_FLIPS = {"name": "flips", "decisionFlips": {"max": "2%"}}
_SHADOW = {"shadow": {"hold": "0s"}}


@dataclass(frozen=True)
class _Case:
    """`wrong`: of `system.bad_models`. `reason` and `says`: of the rejection, or of the condition where it is held back."""

    wrong: str
    reason: str
    says: str
    checks: tuple[dict[str, Any], ...] = (_ERRORS,)
    more: dict[str, Any] = field(default_factory=dict)
    is_held: bool = False


_CASES = (
    _Case("errors", "CheckFailed", "Check errors"),
    _Case("hangs", "CheckFailed", "Check errors"),
    _Case("crash", "CheckFailed", "restart", checks=({**_ERRORS, "errorRate": {"max": "100%"}},)),
    _Case("nan", "CheckFailed", "Check flips", checks=(_ERRORS, _FLIPS), more=_SHADOW),
    _Case("shifted", "CheckFailed", "Check scores", checks=(_ERRORS, _SCORES)),
    _Case("slow", "CheckFailed", "Check latency", checks=(_LATENCY,)),
    _Case("needs-more", "InputsNotSent", FURTHER_INPUT, is_held=True),
    _Case("never-ready", "GoldenVectorsFailed", "", is_held=True),
    _Case("wrong-digest", "DigestMismatch", "sha256", is_held=True),
)
_CHOSEN = tuple(case for case in _CASES if case.wrong in (os.environ.get("CASES") or case.wrong).split(","))


def item_7() -> Iterator[Line]:
    """Nine bad canaries, each of a model of its own, and a good one that has few callers."""
    with scene_in("verify-rollout-7") as scene:
        for case in _CHOSEN:
            if case.wrong != "wrong-digest":
                make_bad(scene.example, scene.place, case.wrong)
        scene.caller()  # once, before all of them want it
        works: list[Callable[[], Iterator[Line]]] = [partial(_alone, scene, case) for case in _CHOSEN]
        yield from side_by_side([on_a_simulated_clock, *works], at_once=1 + _MODELS)
        yield from in_real_time(scene)


def _alone(scene: Scene, case: _Case) -> Iterator[Line]:
    """On a model that serves version 1, under a load of its own; the model is removed afterwards."""
    trial = Trial(scene, case.wrong, _POLL_S)
    stable = trial.serve("1", serving=SMALL)
    with trial.under_load(_RATE):
        try:
            yield from _tried(trial, case, stable)
        except AssertionError as error:  # the others are told all the same
            print(error, flush=True)
            yield Line(f"{case.wrong}: {str(error).splitlines()[0][:100]}", "not found", case.reason, False)
    sent, failed = trial.sent, sum(lap.failed for lap in trial.laps)
    yield exactly(f"    {case.wrong}: failed of {sent} requests {trial.failures[:2] or ''}", failed, 0)
    scene.kubectl("delete", "bankmodel", trial.name, "--wait=false")


def _tried(trial: Trial, case: _Case, stable: str) -> Iterator[Line]:
    trial.lap()
    body = trial.scene.manifest("2" if case.wrong == "wrong-digest" else case.wrong, name=trial.name, serving=SMALL)
    body["spec"]["rollout"] = ladder(20, 50, checks=list(case.checks), **case.more)
    if case.wrong == "wrong-digest":
        body["spec"]["model"] |= {"sha256": "0" * 64, "version": "wrong-digest"}
    at = trial.apply_body(body)
    canary = trial.on_trial(body["spec"]["model"]["version"])
    reason, message = _held(trial, case) if case.is_held else _rejected(trial, canary)
    seconds = time.time() - at
    lap = trial.lap()
    is_found = reason == case.reason and seconds <= _FOUND_WITHIN_S
    is_ok = is_found and trial.stable == stable and not (case.is_held and lap.answered_by(canary))
    yield Line(f"{case.wrong}: {reason}", f"{seconds:.0f} s", f"{case.reason}, v1 serves", is_ok)
    yield Line(f"    {message[:160]}", "", "", case.says in message)


def _rejected(trial: Trial, canary: str) -> tuple[str, str]:
    def look(status: Mapping[str, Any]) -> bool:
        return any(each["revision"] == canary for each in status.get("rejected") or ()) and not status.get("canary")

    entry = trial.until("it was rejected", look, deadline_s=_FOUND_WITHIN_S)["rejected"][0]
    return entry["reason"], entry["message"]


def _held(trial: Trial, case: _Case) -> tuple[str, str]:
    condition = trial.scene.stalls(case.reason, trial.name, deadline_s=_FOUND_WITHIN_S)
    return condition["reason"], condition["message"]
