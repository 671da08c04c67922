"""When a table is in force: every stable pod that runs says so itself, and says what it really does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.observation import Observation, Report
from bankmodel_operator.core.states import Climbing
from bankmodel_operator.core.verification import behind, is_in_force
from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Simulation

_HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}
_CASES: dict[str, tuple[dict[str, Any] | None, bool]] = {
    "follows": ({}, True),
    "silent": (None, False),
    "older table": ({"generation": 1}, False),
    "no generation": ({"generation": None}, False),
    "newer table": ({"generation": 99}, True),
    "sends less": ({"effective_weight": 9}, False),
    "does not say what it sends": ({"effective_weight": None}, False),
    "mirrors on a rung with weight": ({"is_mirroring": True}, False),
    "does not say whether it mirrors": ({"is_mirroring": None}, False),
}


@pytest.mark.parametrize("case", _CASES)
def test_one_pod_that_does_not_follow_is_enough(case: str) -> None:
    said, is_followed = _CASES[case]
    state, seen = _on_the_first_rung()
    changed = next(pod for pod in seen.pods if pod.revision == state.stable.revision)
    report = None if said is None else replace(changed.report or Report(), **said)
    others = [pod for pod in seen.pods if pod.name != changed.name]
    seen = replace(seen, pods=(*others, replace(changed, report=report)))

    assert is_followed == is_in_force(state, seen)
    assert (() if is_followed else (changed.name,)) == behind(state, seen)


def test_no_pod_verifies_nothing() -> None:
    state, seen = _on_the_first_rung()

    assert not is_in_force(state, replace(seen, pods=()))


def test_a_pod_that_runs_unready_must_follow_too() -> None:
    """It may have callers on open connections."""
    state, seen = _on_the_first_rung()
    first = next(pod for pod in seen.pods if pod.revision == state.stable.revision)
    others = [pod for pod in seen.pods if pod.name != first.name]
    unready = replace(first, ready=False, report=None)

    assert not is_in_force(state, replace(seen, pods=(*others, unready)))


def _on_the_first_rung() -> tuple[Climbing, Observation]:
    simulation = Simulation(model=_HTTP, rollout={"steps": [{"weight": 10, "hold": "1m"}]})
    simulation.settle()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.until("Climbing")
    simulation.read_tables()
    state = decode(simulation.model["status"])
    assert isinstance(state, Climbing)
    return state, simulation.observe()
