"""What the property test of trials lives by: its ladder, how many lives it tries, and what it saw of a rung."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, settings

from support.bankmodels import DIGEST

__all__ = ["DIGESTS", "HOLD_S", "LADDER", "LEASE_S", "LEAST", "TRIED", "Rung", "check_conditions", "tell_of_a_life"]

DIGESTS = {"1": DIGEST, **{str(number): f"{number:064x}" for number in range(2, 5)}}
LEAST = 20
HOLD_S = 30
LEASE_S = 15
LADDER: dict[str, Any] = {
    "steps": [{"weight": 10, "hold": f"{HOLD_S}s"}, {"weight": 50, "hold": f"{HOLD_S}s"}],
    "bake": "1m",
    "minRequests": LEAST,
    "checks": [{"name": "errors", "errorRate": {"max": "10%"}}],
    "rollbackWindow": "0s",
}
_STEPS_OF_A_LIFE = 40
_LIVES = max(int(os.environ.get("BANKMODEL_TRIAL_STEPS", "2000")) // _STEPS_OF_A_LIFE, 1)
_TOLD_EVERY = 50
_BEGUN = itertools.count(1)
TRIED = settings(
    max_examples=_LIVES,
    stateful_step_count=_STEPS_OF_A_LIFE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    # The short form is the same every time: a change is judged by what it changed, the long one looks for what is new.
    derandomize="BANKMODEL_TRIAL_STEPS" not in os.environ,
)


@dataclass
class Rung:
    """What really happened on a rung since it was decided, beside what the operator believes: answered and failed by the
    canary's pods, as callers of the share met it."""

    canary: str
    index: int
    since: datetime
    answered: int = 0
    failed: int = 0


def tell_of_a_life() -> None:
    """How far a long run is, for who looks on (`pytest -s`)."""
    number = next(_BEGUN)
    if number % _TOLD_EVERY == 0:
        print(f"  {number} lives, {number * _STEPS_OF_A_LIFE:,} steps", flush=True)


def check_conditions(status: Mapping[str, Any]) -> None:
    """What kstatus and people rely on: never two of them that contradict each other."""
    said = {each["type"]: each["status"] for each in status.get("conditions", ())}
    if said:
        assert set(said) == {"Ready", "Reconciling", "Stalled", "Available"}
        assert (said["Reconciling"], said["Stalled"]) != ("True", "True")
        assert said["Ready"] != "True" or (said["Reconciling"], said["Stalled"]) == ("False", "False")
