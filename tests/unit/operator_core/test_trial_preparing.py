"""Before the first step: what it waits for, what an order skips, and who goes how."""

from __future__ import annotations

from collections.abc import Mapping

from support.simulated_cluster import Simulation
from support.simulated_trials import HTTP, PROMOTE, annotate, canary, climbing, on_trial


def _pods(simulation: Simulation, revision: str) -> list[str]:
    return [name for name in simulation.pods if revision in name]


def _go_with(simulation: Simulation, ready: Mapping[str, int], passes: int = 20) -> None:
    """A fair environment, but that no more pods than these of a revision get ready."""
    for _ in range(passes):
        simulation.reconcile()
        simulation.run_controllers()
        simulation.make_all_ready()
        for revision, most in ready.items():
            for name in _pods(simulation, revision)[most:]:
                simulation.fail(name)
        simulation.answer_requests(1)
        simulation.wait(1)


def test_no_step_while_no_pod_of_the_stable_is_ready() -> None:
    simulation = on_trial()
    _go_with(simulation, {simulation.selected(): 0})
    assert "Preparing" == simulation.rollout["state"]

    _go_with(simulation, {simulation.selected(): 1})
    assert ("Climbing", 10) == (simulation.rollout["state"], simulation.rollout["weight"])


def test_an_order_before_the_first_step_goes_to_the_last() -> None:
    simulation = on_trial()
    annotate(simulation, PROMOTE, canary(simulation))
    simulation.until("Climbing")

    assert 100 == simulation.rollout["weight"]


def test_a_dead_stable_is_replaced_by_one_ready_pod_and_not_by_none() -> None:
    simulation = climbing()
    old, new = simulation.selected(), canary(simulation)
    _go_with(simulation, {old: 0, new: 0}, passes=2)
    annotate(simulation, PROMOTE, new)
    _go_with(simulation, {old: 0, new: 0})
    assert ("Preparing", old) == (simulation.rollout["state"], simulation.selected())

    _go_with(simulation, {old: 0, new: 1}, passes=2)
    assert "Progressing" == simulation.rollout["state"]
    simulation.go(10)
    assert new == simulation.selected()


def test_a_canary_that_had_requests_is_withdrawn_with_care_though_it_is_back_before_the_first_step() -> None:
    simulation = climbing()
    simulation.go(3)
    for name in _pods(simulation, canary(simulation)):
        simulation.fail(name)
    simulation.reconcile()
    assert "Preparing" == simulation.rollout["state"]

    simulation.edit(model=HTTP)
    simulation.reconcile()
    assert "Withdrawing" == simulation.rollout["state"]
