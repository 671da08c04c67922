"""No share of requests before the pods for it: a canary that lacks one stays on its rung, and is not promoted."""

from __future__ import annotations

import pytest

from support.bankmodels import OTHER_DIGEST
from support.simulated_cluster import Simulation
from support.simulated_trials import HTTP, LADDER, canary, go_short_of_pods, pods_of

_REPLICAS = 4


def _climbing() -> Simulation:
    simulation = Simulation(model=HTTP, rollout=LADDER, serving={"replicas": _REPLICAS})
    simulation.settle()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.until("Climbing")
    return simulation


def test_a_weight_waits_for_the_pods_that_it_needs() -> None:
    simulation = _climbing()
    go_short_of_pods(simulation, {canary(simulation): 1}, passes=90, requests=20)

    assert 10 == simulation.rollout["weight"]
    assert {"PASS"} == {each["verdict"] for each in simulation.rollout["verdicts"]}

    simulation.go(10, requests=20)
    assert 50 == simulation.rollout["weight"]


def test_a_canary_is_promoted_when_it_has_all_its_pods() -> None:
    simulation = _climbing()
    while simulation.rollout["weight"] < 100:
        simulation.go(requests=20)
    go_short_of_pods(simulation, {canary(simulation): _REPLICAS - 1}, passes=90, requests=20)

    assert ("Climbing", 100) == (simulation.rollout["state"], simulation.rollout["weight"])
    assert _REPLICAS - 1 == simulation.ready_pods(canary(simulation))

    simulation.until("Baking", requests=20)


@pytest.mark.parametrize("weight", [10, 50, 100])
def test_pods_for_a_weight_are_there_before_it(weight: int) -> None:
    simulation = _climbing()
    while simulation.rollout["weight"] < weight:
        simulation.go(requests=20)

    assert simulation.ready_pods(canary(simulation)) >= _REPLICAS * weight / 100


def test_no_weight_rises_while_no_pod_of_the_stable_is_ready() -> None:
    simulation = _climbing()
    go_short_of_pods(simulation, {simulation.selected(): 0}, passes=90, requests=20)

    assert 10 == simulation.rollout["weight"]

    simulation.go(10, requests=20)
    assert 50 == simulation.rollout["weight"]


def test_no_canary_is_promoted_while_a_stable_pod_does_not_say_that_it_sends_it_everything() -> None:
    simulation = _climbing()
    while simulation.rollout["weight"] < 100 or "watched" not in simulation.rollout:
        simulation.go(requests=20)
    for _ in range(20):
        simulation.reports.pop(pods_of(simulation, simulation.selected())[0])
        simulation.reconcile()
        simulation.answer_requests(20)
        simulation.wait(5)

    assert ("Climbing", 100) == (simulation.rollout["state"], simulation.rollout["weight"])

    simulation.until("Baking", requests=20)
