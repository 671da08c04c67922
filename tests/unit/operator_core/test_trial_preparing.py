"""Before the first step: what it waits for, what an order skips, and who goes how."""

from __future__ import annotations

from support.simulated_trials import HTTP, PROMOTE, annotate, canary, climbing, go_short_of_pods, on_trial, pods_of


def test_no_step_while_no_pod_of_the_stable_is_ready() -> None:
    simulation = on_trial()
    go_short_of_pods(simulation, {simulation.selected(): 0}, passes=20, requests=1)
    assert "Preparing" == simulation.rollout["state"]

    go_short_of_pods(simulation, {simulation.selected(): 1}, passes=20, requests=1)
    assert ("Climbing", 10) == (simulation.rollout["state"], simulation.rollout["weight"])


def test_an_order_before_the_first_step_goes_to_the_last() -> None:
    simulation = on_trial()
    annotate(simulation, PROMOTE, canary(simulation))
    simulation.until("Climbing")

    assert 100 == simulation.rollout["weight"]


def test_a_dead_stable_is_replaced_by_one_ready_pod_and_not_by_none() -> None:
    simulation = climbing()
    old, new = simulation.selected(), canary(simulation)
    go_short_of_pods(simulation, {old: 0, new: 0}, passes=2, requests=1)
    annotate(simulation, PROMOTE, new)
    go_short_of_pods(simulation, {old: 0, new: 0}, passes=20, requests=1)
    assert ("Preparing", old) == (simulation.rollout["state"], simulation.selected())

    go_short_of_pods(simulation, {old: 0, new: 1}, passes=2, requests=1)
    assert "Progressing" == simulation.rollout["state"]
    simulation.go(10)
    assert new == simulation.selected()


def test_a_canary_that_had_requests_is_withdrawn_with_care_though_it_is_back_before_the_first_step() -> None:
    simulation = climbing()
    simulation.go(3)
    for name in pods_of(simulation, canary(simulation)):
        simulation.fail(name)
    simulation.reconcile()
    assert "Preparing" == simulation.rollout["state"]

    simulation.edit(model=HTTP)
    simulation.reconcile()
    assert "Withdrawing" == simulation.rollout["state"]
