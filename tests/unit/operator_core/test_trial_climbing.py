"""On the ladder: when a rung is left, upwards and downwards, to the second."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bankmodel_operator.core.observation import parse_time
from support.simulated_cluster import Simulation
from support.simulated_trials import climbing


def _second_rung() -> Simulation:
    """Its weight was just decided; no pod has read so."""
    simulation = climbing(progressDeadline="1m")
    while simulation.rollout["weight"] == 10:
        simulation.answer_requests(20)
        simulation.wait(2)
        simulation.reconcile()
    return simulation


def test_a_rung_is_left_when_its_hold_is_over() -> None:
    simulation = climbing()
    simulation.reconcile()
    begun = simulation.now
    while simulation.rollout["weight"] == 10:
        simulation.answer_requests(20)
        simulation.wait(1)
        simulation.reconcile()

    assert timedelta(seconds=30) == simulation.now - begun


@pytest.mark.parametrize(("after_s", "weight"), [(59, 50), (60, 10)])
def test_a_weight_that_is_not_confirmed_goes_back_at_the_deadline(after_s: int, weight: int) -> None:
    simulation = _second_rung()
    simulation.wait(after_s)
    simulation.reconcile()

    assert weight == simulation.rollout["weight"]


def test_there_is_no_way_back_from_the_first_rung() -> None:
    simulation = climbing(progressDeadline="1m")
    simulation.reports.clear()
    for _ in range(3):
        simulation.wait(60)
        simulation.reconcile()

    assert (0, 10) == (simulation.rollout["step"], simulation.rollout["weight"])
    assert "NotVerified" == simulation.condition("Stalled")["reason"]


@pytest.mark.parametrize(("left_s", "told"), [(1, []), (0, ["Lapsed"])])
def test_a_grant_lapses_when_its_time_is_up(left_s: int, told: list[str]) -> None:
    simulation = climbing()
    simulation.go(3)
    simulation.now = parse_time(simulation.table()["canary"]["notAfter"]) - timedelta(seconds=left_s)
    events = [event.reason for event in simulation.reconcile().events]

    assert told == [each for each in events if each == "Lapsed"]
