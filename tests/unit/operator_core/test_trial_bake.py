"""The bake of a new stable: when it is over, how it is taken back, and how long the other's pods stay."""

from __future__ import annotations

from support.simulated_cluster import Simulation
from support.simulated_trials import ABORT, HTTP, PROMOTE, annotate, climbing


def _baking(**rollout: object) -> Simulation:
    simulation = climbing(**rollout)
    simulation.until("Baking", requests=5)
    return simulation


def _reasons(simulation: Simulation, until: str) -> list[str]:
    """Of the events up to and with the turn to this state."""
    found: list[str] = []
    for _ in range(200):
        found += [event.reason for event in simulation.go(requests=5).events]
        if simulation.rollout["state"] == until:
            return found
    raise AssertionError(f"never {until}: {simulation.rollout}")


def _running(simulation: Simulation) -> int:
    return len(simulation.of_kind("Deployment"))


def test_the_model_before_asked_for_in_bake_cancels_it_and_rejects_nobody() -> None:
    simulation = _baking()
    simulation.edit(model=HTTP)

    assert ["Cancelled"] == _reasons(simulation, "Draining")
    assert "rejected" not in simulation.model["status"]


def test_a_bake_that_fails_is_a_rollback() -> None:
    simulation = _baking()
    simulation.go(2, requests=10)
    simulation.answer_requests(60, errors=60)

    assert ["RolledBack"] == _reasons(simulation, "Draining")


def test_a_bake_is_over_at_its_end_to_the_second() -> None:
    simulation = _baking(bake="50s")
    began = simulation.now
    simulation.until("Draining", requests=5)

    assert 50 == (simulation.now - began).total_seconds()


def test_the_other_pods_stay_until_their_callers_have_gone_or_the_drain_is_over() -> None:
    simulation = _baking()
    old = simulation.model["status"]["rollout"]
    simulation.until("Draining", requests=5)
    ended = simulation.now
    for _ in range(100):
        simulation.reports.clear()  # nobody says that the old pods are idle
        simulation.reconcile()
        simulation.run_controllers()
        if _running(simulation) == 1:
            break
        simulation.wait(1)

    assert old["state"] == "Baking"
    assert simulation.settings.drain_deadline.total_seconds() <= (simulation.now - ended).total_seconds() + 2
    assert 1 == _running(simulation)


def test_an_order_that_promoted_it_does_not_end_its_bake_and_a_new_one_does() -> None:
    simulation = climbing(bake="1h")
    new = simulation.model["status"]["canary"]["revision"]
    annotate(simulation, PROMOTE, new)
    simulation.until("Baking", requests=5)
    simulation.go(20, requests=5)
    assert "Baking" == simulation.rollout["state"]

    simulation.model["metadata"]["annotations"].pop(PROMOTE)
    simulation.go(20, requests=5)
    assert "Baking" == simulation.rollout["state"]

    annotate(simulation, PROMOTE, new)
    simulation.go(2, requests=5)
    assert "Draining" == simulation.rollout["state"]


def test_an_idle_bake_saves_its_time_once_a_minute() -> None:
    simulation = _baking(bake="1h")
    simulation.go(5, requests=5)
    writes, watched = simulation.writes, simulation.rollout["watched"]
    for _ in range(59):
        simulation.reconcile()
        simulation.wait(1)

    assert simulation.writes - writes <= 2
    simulation.go(70, requests=5)
    assert watched != simulation.rollout["watched"]


def test_a_suspended_bake_is_not_taken_back_before_it_goes_on() -> None:
    simulation = climbing()
    new = simulation.model["status"]["canary"]["revision"]
    annotate(simulation, PROMOTE, new)
    simulation.until("Baking")
    simulation.edit(suspend=True)
    annotate(simulation, ABORT, new)
    assert "Baking" == simulation.reconcile().state_name

    simulation.edit(suspend=False)
    assert "Draining" == simulation.reconcile().state_name
