"""Trials from beginning to end on a real API server: up the ladder, back, again, by order, and through what happens to an operator.

Pods of the fake node answer scrapes by the table that really is there; an observer sees every write, and each test ends by asking it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.operator_process import eventually
from support.trials import ABORT, BAD, GOOD, PAUSED, PROMOTE, Trials, trials


@pytest.fixture(scope="module")
def stage_of_trials(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], module_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trials]:
    with trials(api, kubectl, module_namespace, tmp_path_factory.mktemp("trials")) as it:
        yield it


@pytest.fixture
def it(stage_of_trials: Trials) -> Iterator[Trials]:
    """And nothing that must never be was seen by the end of the test."""
    yield stage_of_trials
    assert [] == stage_of_trials.broken_rules()


def test_a_good_model_climbs_bakes_and_is_stable(it: Trials) -> None:
    it.serves("good")
    it.promotes("good")
    saved = [
        change.after["status"].get("rollout", {})
        for change in it.history.settled()
        if (change.kind, change.name) == ("BankModel", "good") and change.after and "status" in change.after
    ]
    weights = [rollout["weight"] for rollout in saved if "weight" in rollout]  # in bake there is none

    assert [0, 10, 50, 100, 0] == [now for was, now in zip([None, *weights], weights, strict=False) if was != now]


def test_a_bad_model_is_taken_back_and_stays_rejected(it: Trials) -> None:
    it.serves("bad")
    revision = it.rolls_back("bad")
    it.it.apply(it.model("bad", BAD))  # as a GitOps tool does

    assert "True" == it.it.condition("bad", "Available")["status"]
    assert "RolledBack" == it.it.condition("bad", "Stalled")["reason"]
    assert [revision] == [entry["revision"] for entry in it.status("bad")["rejected"]]
    assert "Serving" == it.rollout("bad")["state"]


def test_a_new_retry_tries_once_more(it: Trials) -> None:
    it.serves("again")
    it.rolls_back("again", "4")
    it.pods.failing["4"] = 0.0
    it.promotes("again", "4", retry="TICKET-1")

    assert "4" == it.status("again")["stable"]["version"]


def test_an_order_takes_the_canary_back(it: Trials) -> None:
    it.serves("ordered", steps=[{"weight": 10, "hold": "10m"}])
    it.it.apply(it.model("ordered", GOOD, steps=[{"weight": 10, "hold": "10m"}]))
    it.until_weight("ordered", 10)
    it.order("ordered", ABORT, it.canary("ordered"))
    it.ends_rolled_back("ordered", GOOD)

    assert "1" == it.status("ordered")["stable"]["version"]


def test_an_order_promotes_past_what_is_left(it: Trials) -> None:
    it.serves("hurried", steps=[{"weight": 10, "hold": "10m"}])
    it.it.apply(it.model("hurried", GOOD, steps=[{"weight": 10, "hold": "10m"}]))
    it.until_weight("hurried", 10)
    it.order("hurried", PROMOTE, it.canary("hurried"))
    it.until_state("hurried", "Baking")

    assert GOOD == it.status("hurried")["stable"]["version"]


def test_a_pause_holds_and_its_end_goes_on(it: Trials) -> None:
    it.serves("paused")
    it.order("paused", PAUSED, "month-end")
    it.it.apply(it.model("paused", GOOD))
    it.until_state("paused", "Preparing")
    time.sleep(2)  # nothing to wait for: it must not do anything

    assert "Preparing" == it.rollout("paused")["state"]

    it.order("paused", PAUSED, None)
    it.ends_promoted("paused")


def test_a_lost_status_begins_the_trial_anew(it: Trials) -> None:
    it.serves("lost", steps=[{"weight": 10, "hold": "3s"}])
    it.it.apply(it.model("lost", GOOD, steps=[{"weight": 10, "hold": "3s"}]))
    it.until_weight("lost", 10)
    it.it.lose_status("lost")
    it.ends_promoted("lost")


def test_a_lost_status_forgets_no_rejection(it: Trials) -> None:
    it.serves("marked")
    revision = it.rolls_back("marked", "5")
    it.it.lose_status("marked")
    it.until("marked", "the rejection is read back", lambda status: status.get("rejected"))

    assert [revision] == [entry["revision"] for entry in it.status("marked")["rejected"]]
    assert "Serving" == it.rollout("marked")["state"]


def test_an_operator_that_restarts_in_mid_step_goes_on(it: Trials) -> None:
    it.serves("restarted", steps=[{"weight": 10, "hold": "3s"}])
    it.it.apply(it.model("restarted", GOOD, steps=[{"weight": 10, "hold": "3s"}]))
    it.until_weight("restarted", 10)
    it.it.operator.kill()
    it.it.operator.start()
    it.ends_promoted("restarted")


def test_a_suspended_canary_has_no_requests(it: Trials) -> None:
    it.serves("suspended", steps=[{"weight": 10, "hold": "3s"}])
    model = it.model("suspended", GOOD, steps=[{"weight": 10, "hold": "3s"}])
    it.it.apply(model)
    it.until_weight("suspended", 10)
    model["spec"]["suspend"] = True
    it.it.apply(model)
    it.until_state("suspended", "Preparing")
    name = "suspended-routing"
    eventually(lambda: "canary" not in it.it.get("configmap", name)["data"]["table.json"], what="the grant is gone")
    model["spec"]["suspend"] = False
    it.it.apply(model)
    it.ends_promoted("suspended")


def test_a_canary_that_needs_what_nobody_sends_gets_no_request(it: Trials) -> None:
    it.pods.inputs["6"] = ("loan",)
    it.serves("awaiting")
    it.it.apply(it.model("awaiting", "6"))
    it.until("awaiting", "it waits for loan", lambda status: "loan" in str(status.get("conditions")))

    assert 0 == it.rollout("awaiting")["weight"]


def test_an_unconfirmed_table_raises_nothing(it: Trials) -> None:
    """The stable's pods do not read it: no time on the step counts."""
    it.serves("deaf", "7")
    it.pods.deaf.add("7")
    it.it.apply(it.model("deaf", GOOD))
    it.until_state("deaf", "Climbing")
    time.sleep(3)  # longer than the hold
    rollout = it.rollout("deaf")

    assert (10, False) == (rollout["weight"], "watched" in rollout)

    it.pods.deaf.clear()
    it.ends_promoted("deaf")
