"""A status that is lost in mid-rollout: what is known from the live objects alone, and what is kept until everybody knows."""

from __future__ import annotations

from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Simulation
from support.simulated_trials import ABORT, HTTP, LADDER, PROMOTE, annotate, canary, climbing, on_trial, pods_of


def _running(simulation: Simulation) -> set[str]:
    return {each["metadata"]["name"].rpartition("-")[2] for each in simulation.of_kind("Deployment")}


def _withdrawn_and_forgotten() -> tuple[Simulation, str]:
    """The canary was ordered off, no pod has read so, and the status is lost."""
    simulation = climbing()
    simulation.go(3, requests=10)
    revision = canary(simulation)
    annotate(simulation, ABORT, revision)
    simulation.reconcile()
    assert "Withdrawing" == simulation.rollout["state"]
    simulation.lose_status()
    for _ in range(5):
        simulation.reconcile()
        simulation.ask_pods()
        simulation.wait(1)
    return simulation, revision


def test_a_withdrawn_canary_that_a_lost_status_forgot_keeps_its_pods() -> None:
    simulation, revision = _withdrawn_and_forgotten()

    assert "Withdrawing" == simulation.rollout["state"]
    assert revision in _running(simulation)


def test_it_goes_once_everybody_has_read_the_table_and_stays_rejected() -> None:
    simulation, _ = _withdrawn_and_forgotten()
    simulation.go(6)

    assert {simulation.selected()} == _running(simulation)
    assert ["Aborted"] == [each["reason"] for each in simulation.model["status"]["rejected"]]


def test_a_canary_that_was_no_longer_asked_for_is_kept_as_long() -> None:
    simulation = climbing()
    simulation.go(3, requests=10)
    revision = canary(simulation)
    simulation.serve_version("3", "3" * 64)
    simulation.reconcile()
    simulation.lose_status()
    simulation.reconcile()
    simulation.reconcile()

    assert revision in _running(simulation)


def test_a_rejected_model_is_withdrawn_though_there_is_no_ladder_any_more() -> None:
    simulation = climbing()
    simulation.go(3, requests=10)
    revision = canary(simulation)
    annotate(simulation, ABORT, revision)
    simulation.reconcile()
    simulation.edit(rollout={"steps": []})
    simulation.lose_status()
    simulation.reconcile()
    simulation.reconcile()

    assert revision in _running(simulation)


def test_a_trial_that_was_forgotten_begins_anew() -> None:
    simulation = on_trial()
    revision = canary(simulation)
    simulation.lose_status()
    simulation.until("Climbing")

    assert revision == canary(simulation)


def test_a_stable_of_which_only_the_name_is_left_is_known_again_when_it_is_asked_for() -> None:
    simulation = Simulation(model=HTTP, rollout=LADDER)
    simulation.settle()
    simulation.objects = {key: each for key, each in simulation.objects.items() if key[0] != "ControllerRevision"}
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.lose_status()
    simulation.reconcile()
    assert "" == simulation.model["status"]["stable"]["sha256"]

    simulation.edit(model=HTTP)
    simulation.settle()

    assert ("1", DIGEST) == tuple(simulation.model["status"]["stable"][part] for part in ("version", "sha256"))
    assert "version 1" in simulation.condition("Ready")["message"]


def test_a_canary_that_has_requests_is_withdrawn_though_its_spec_asks_for_no_ladder_any_more() -> None:
    simulation = climbing()
    simulation.edit(rollout={"steps": []})
    simulation.lose_status()

    assert "Withdrawing" == simulation.reconcile().state_name


def test_a_canary_whose_pods_are_gone_has_nothing_to_be_withdrawn() -> None:
    simulation = climbing()
    del simulation.objects["Deployment", f"{simulation.name}-{canary(simulation)}"]
    simulation.lose_status()

    assert "Serving" == simulation.reconcile().state_name


def test_a_canary_that_lost_its_requests_and_is_still_asked_for_is_withdrawn_like_any_other() -> None:
    simulation = climbing()
    for name in pods_of(simulation, canary(simulation)):
        simulation.fail(name)
    simulation.reconcile()
    assert ("Preparing", False) == (simulation.rollout["state"], "canary" in simulation.table())
    simulation.lose_status()

    assert "Withdrawing" == simulation.reconcile().state_name


def test_a_canary_that_is_not_asked_for_is_withdrawn_though_there_is_no_ladder_any_more() -> None:
    simulation = climbing()
    revision = canary(simulation)
    simulation.edit(rollout={"steps": []})
    simulation.serve_version("3", "3" * 64)
    simulation.reconcile()
    assert "canary" not in simulation.table()
    simulation.lose_status()
    simulation.reconcile()

    assert ("Withdrawing", revision) == (simulation.rollout["state"], canary(simulation))


def test_a_bake_whose_other_pods_are_gone_has_nowhere_to_return_to_and_does_not_go_on() -> None:
    simulation = climbing()
    old = simulation.selected()
    annotate(simulation, PROMOTE, canary(simulation))
    simulation.until("Baking")
    simulation.reconcile()
    for name in pods_of(simulation, old):
        simulation.pods.pop(name)
    simulation.lose_status()

    assert "Withdrawing" == simulation.reconcile().state_name


def test_a_revision_beside_the_stable_keeps_its_size_when_the_spec_asks_for_fewer_at_once() -> None:
    simulation = Simulation(model=HTTP, rollout=LADDER, serving={"replicas": 5})
    simulation.settle()
    simulation.edit(serving={"replicas": 1}, model={**HTTP, "version": "2", "sha256": OTHER_DIGEST})
    simulation.reconcile()

    assert 5 == simulation.get("Deployment", f"{simulation.name}-{simulation.selected()}")["spec"]["replicas"]
