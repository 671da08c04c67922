"""The table's generation: it only grows, by one with each other content, beyond all that was ever written or reported."""

from __future__ import annotations

from bankmodel_operator.core.observation import Report
from support.simulated_cluster import Simulation
from support.simulated_trials import HTTP, LADDER, climbing


def _serving() -> Simulation:
    simulation = Simulation(model=HTTP, rollout=LADDER)
    simulation.settle()
    return simulation


def _both(simulation: Simulation) -> tuple[int, int]:
    """In status, and in the table."""
    return simulation.rollout["generation"], simulation.table()["generation"]


def test_the_first_table_is_number_one() -> None:
    simulation = Simulation(model=HTTP)
    simulation.reconcile()

    assert (1, 1) == _both(simulation)


def test_another_content_is_the_next_number_and_the_same_is_not() -> None:
    simulation = _serving()
    before = simulation.table()["generation"]
    simulation.edit(owner="cards-risk")
    for _ in range(3):
        simulation.reconcile()

    assert (before + 1, before + 1) == _both(simulation)


def test_it_goes_beyond_what_a_pod_knows() -> None:
    simulation = _serving()
    simulation.reports[min(simulation.pods)] = Report(generation=40)
    simulation.reconcile()

    assert (41, 41) == _both(simulation)


def test_where_status_and_table_are_lost_and_pods_are_silent_the_service_knows_it() -> None:
    simulation = _serving()
    before = _both(simulation)
    del simulation.objects["ConfigMap", f"{simulation.name}-routing"]
    simulation.reports.clear()
    simulation.lose_status()
    simulation.reconcile()
    simulation.reconcile()

    assert before == _both(simulation)


def test_a_number_that_was_saved_and_never_written_is_used() -> None:
    simulation = _serving()
    simulation.edit_status(rollout={**simulation.rollout, "generation": 40})
    simulation.edit(owner="cards-risk")
    simulation.reconcile()

    assert (40, 40) == _both(simulation)


def test_a_table_that_takes_the_requests_from_a_suspended_canary_has_a_number_of_its_own() -> None:
    simulation = climbing()
    simulation.go(3)
    before = simulation.table()["generation"]
    simulation.edit(suspend=True)
    simulation.reconcile()

    assert ("canary" in simulation.table(), simulation.table()["generation"]) == (False, before + 1)


def test_a_table_that_is_held_keeps_its_number_in_status() -> None:
    simulation = _serving()
    before = _both(simulation)
    simulation.edit(suspend=True, owner="cards-risk")
    simulation.reconcile()

    assert before == _both(simulation)
