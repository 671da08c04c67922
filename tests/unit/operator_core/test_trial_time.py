"""Time on a rung and in bake, and how long pods are kept that are not asked for any more: each to the second."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bankmodel_operator.core.states import Watched
from bankmodel_operator.core.turns.watching import held, looked
from support.saved_trials import NOW
from support.simulated_cluster import Simulation
from support.simulated_trials import ABORT, PROMOTE, annotate, canary, climbing

_SAVED = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("gap_s", "counted_s"),
    [(0, 0), (1, 1), (119, 119), (120, 120), (121, 0), (3600, 0), (-5, 0)],
    ids=["no time", "a second", "119 s", "two minutes", "more: nobody watched", "an hour", "the clock was put back"],
)
def test_time_counts_up_to_two_minutes_between_looks(gap_s: int, counted_s: int) -> None:
    now = NOW + timedelta(seconds=gap_s)
    total = _SAVED + timedelta(seconds=counted_s)

    assert total == held(Watched(_SAVED, NOW), now)
    assert Watched(total, max(NOW, now)) == looked(Watched(_SAVED, NOW), now)


def _moments_saved(simulation: Simulation, *, seconds: int) -> list[float]:
    """When the watched time was saved, in seconds."""
    begun, before, found = simulation.now, simulation.rollout["watched"], []
    for _ in range(0, seconds, 5):
        simulation.wait(5)
        simulation.reconcile()
        if simulation.rollout["watched"] != before:
            before = simulation.rollout["watched"]
            found.append((simulation.now - begun).total_seconds())
    return found


def test_time_on_a_rung_is_saved_once_a_minute() -> None:
    simulation = climbing(steps=[{"weight": 10, "hold": "1h"}])
    simulation.reconcile()

    assert [60, 120] == _moments_saved(simulation, seconds=150)


def test_time_in_bake_is_saved_once_a_minute_and_the_bake_ends_when_it_is_over() -> None:
    simulation = climbing(bake="3m")
    annotate(simulation, PROMOTE, canary(simulation))
    simulation.until("Baking")
    simulation.model["metadata"]["annotations"].clear()
    simulation.reconcile()  # the order that promoted it is taken note of, and the time up to now

    assert [60, 120] == _moments_saved(simulation, seconds=170)
    simulation.wait(8)
    assert "Baking" == simulation.reconcile().state_name
    simulation.wait(1)
    assert "Draining" == simulation.reconcile().state_name


@pytest.mark.parametrize(
    ("after_s", "have_read", "state"),
    [
        (1, True, "Withdrawing"),
        (2, True, "Serving"),
        (2, False, "Withdrawing"),
        (629, False, "Withdrawing"),
        (630, False, "Serving"),
    ],
)
def test_pods_without_requests_stay_for_two_seconds_and_until_nobody_can_have_a_grant(
    after_s: int, have_read: bool, state: str
) -> None:
    simulation = climbing()
    annotate(simulation, ABORT, canary(simulation))
    simulation.reconcile()
    simulation.wait(after_s)
    if have_read:
        simulation.read_tables()

    assert state == simulation.reconcile().state_name
