"""What becomes of a model that was taken back, and of orders: one story a test."""

from __future__ import annotations

import pytest

from support.bankmodels import OTHER_DIGEST
from support.simulated_cluster import Simulation
from support.simulated_trials import ABORT, HTTP, LADDER, PROMOTE, annotate, canary, climbing, on_trial, rolled_back


def test_the_same_spec_does_not_try_a_rejected_model_again() -> None:
    simulation = rolled_back()
    simulation.edit()
    simulation.go(30)

    assert "Serving" == simulation.rollout["state"]
    assert "1" == simulation.model["status"]["stable"]["version"]


def test_its_digest_in_another_dress_is_not_tried_either() -> None:
    simulation = rolled_back()
    simulation.edit(serving={"resources": {"requests": {"cpu": "1"}}})
    simulation.go(30)

    assert "Serving" == simulation.rollout["state"]
    assert "1" == simulation.model["status"]["stable"]["version"]


def test_a_new_retry_tries_once_more_and_once_only() -> None:
    simulation = rolled_back()
    simulation.edit(rollout={**LADDER, "retry": "TICKET-1"})
    simulation.until("Climbing")
    simulation.go(3, requests=10)
    simulation.until("Withdrawing", requests=5, errors=5)
    simulation.until("Serving")
    simulation.go(30)

    assert "Serving" == simulation.rollout["state"]
    assert "TICKET-1" == simulation.model["status"]["rejected"][0]["retry"]


def test_a_text_that_was_used_does_not_try_again_later() -> None:
    simulation = rolled_back()
    for token in ("T1", "T2"):
        simulation.edit(rollout={**LADDER, "retry": token})
        simulation.until("Climbing")
        simulation.until("Withdrawing", requests=5, errors=5)
        simulation.until("Serving")
    simulation.edit(rollout={**LADDER, "retry": "T1"})
    simulation.go(10)

    assert "Serving" == simulation.rollout["state"]


def test_an_order_that_was_left_over_is_none_for_a_retry() -> None:
    simulation = climbing()
    annotate(simulation, PROMOTE, "another")
    simulation.until("Withdrawing", requests=5, errors=5)
    simulation.until("Serving")
    annotate(simulation, PROMOTE, simulation.model["status"]["rejected"][0]["revision"])
    simulation.edit(rollout={**LADDER, "retry": "T1"})
    simulation.until("Climbing")

    assert 10 == simulation.rollout["weight"]
    simulation.go(10)
    assert 10 == simulation.rollout["weight"]


def test_a_rejection_survives_a_lost_status() -> None:
    simulation = rolled_back()
    simulation.go(2)
    simulation.lose_status()
    simulation.go(30)

    assert "1" == simulation.model["status"]["stable"]["version"]
    assert "RolledBack" == simulation.condition("Stalled")["reason"]


def test_an_abort_rejects_and_a_promotion_afterwards_changes_nothing() -> None:
    simulation = climbing()
    annotate(simulation, ABORT, canary(simulation))
    annotate(simulation, PROMOTE, canary(simulation))
    simulation.until("Withdrawing")
    simulation.until("Serving")
    simulation.go(20)

    assert "Aborted" == simulation.model["status"]["rejected"][0]["reason"]
    assert "1" == simulation.model["status"]["stable"]["version"]


def test_a_promotion_skips_the_ladder_but_not_the_capacity_and_the_bake() -> None:
    simulation = climbing(steps=[{"weight": 1, "hold": "720h"}])
    annotate(simulation, PROMOTE, canary(simulation))
    new = canary(simulation)
    simulation.until("Baking")

    assert new == simulation.model["status"]["stable"]["revision"]
    simulation.go(5)
    assert "Baking" == simulation.rollout["state"]


@pytest.mark.parametrize("is_remembered", [True, False], ids=["by the same operator", "by its successor"])
def test_what_fails_between_the_decision_of_a_rung_and_the_first_look_counts(is_remembered: bool) -> None:
    """The successor has it from the evidence ConfigMap, which is written with the table."""
    simulation = climbing()
    simulation.answer_requests(30, errors=30)
    if not is_remembered:
        simulation.window = None
    simulation.reconcile()

    assert "Withdrawing" == simulation.rollout["state"]
    assert ["CheckFailed"] == [each["reason"] for each in simulation.model["status"]["rejected"]]


def test_an_order_after_a_retry_counts() -> None:
    simulation = rolled_back()
    simulation.edit(rollout={**LADDER, "retry": "T1"})
    simulation.until("Climbing")
    annotate(simulation, PROMOTE, canary(simulation))
    simulation.go(3)

    assert 100 == simulation.rollout["weight"]


def test_an_order_that_was_there_before_the_trial_counts() -> None:
    """Whoever knows the revision by its name, from another cluster, need not wait for it here."""
    simulation = Simulation(model=HTTP, rollout=LADDER)
    simulation.settle()
    annotate(simulation, PROMOTE, canary(on_trial()))
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.until("Climbing")

    assert 100 == simulation.rollout["weight"]
