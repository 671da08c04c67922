"""Why a canary goes, whose fault that was, and when: each reason at its edge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.states import Withdrawing
from support.bankmodels import OTHER_DIGEST
from support.simulated_cluster import Simulation
from support.simulated_trials import ABORT, HTTP, annotate, canary, climbing, on_trial, pods_of

_SILENCE = {"action": "Abort", "after": "2m"}


def _rejected(simulation: Simulation) -> Mapping[str, Any]:
    assert "Withdrawing" == simulation.rollout["state"]
    found: Mapping[str, Any] = simulation.model["status"]["rejected"][0]
    return found


def _seconds_until_it_leaves(simulation: Simulation, *, requests: int = 0, at_most: int = 400) -> int | None:
    for second in range(at_most):
        simulation.go(requests=requests)
        if simulation.rollout["state"] == "Withdrawing":
            return second
    return None


def test_an_order_rejects_the_digest() -> None:
    simulation = climbing()
    annotate(simulation, ABORT, canary(simulation))
    simulation.reconcile()

    assert ("Aborted", "Model") == (_rejected(simulation)["reason"], _rejected(simulation)["cause"])


def test_a_canary_that_is_not_asked_for_any_more_is_cancelled_and_not_rejected() -> None:
    simulation = climbing()
    simulation.edit(model=HTTP)
    told = [event.reason for event in simulation.reconcile().events]

    assert ["Cancelled"] == told
    assert "rejected" not in simulation.model["status"]


def test_a_canary_that_got_nothing_yet_is_withdrawn_without_a_way_out() -> None:
    simulation = on_trial()
    simulation.edit(model=HTTP)
    decision = simulation.reconcile()

    assert ("Serving", ["TargetWithdrawn"]) == (decision.state_name, [event.reason for event in decision.events])


def test_silence_ends_a_rollout_where_the_spec_says_so_and_blames_nobody() -> None:
    simulation = climbing(onNoData=_SILENCE)
    seconds = _seconds_until_it_leaves(simulation)

    assert seconds is not None
    assert abs(seconds - 120) <= 3
    assert ("NoData", "Infrastructure") == (_rejected(simulation)["reason"], _rejected(simulation)["cause"])
    assert "2m" in _rejected(simulation)["message"]


@pytest.mark.parametrize(("silence", "requests"), [({"action": "Hold", "after": "2m"}, 0), (_SILENCE, 1)])
def test_else_it_waits(silence: Mapping[str, str], requests: int) -> None:
    simulation = climbing(onNoData=silence, minRequests=10_000)

    assert _seconds_until_it_leaves(simulation, requests=requests) is None


def test_its_deadline_ends_a_rollout_to_the_second_and_blames_nobody() -> None:
    simulation = climbing(deadline="5m", minRequests=10_000)
    started = decode(simulation.model["status"]).started  # type: ignore[union-attr]
    seconds = _seconds_until_it_leaves(simulation, requests=1)

    assert seconds is not None
    assert ("DeadlineExceeded", "Infrastructure") == (_rejected(simulation)["reason"], _rejected(simulation)["cause"])
    assert timedelta(minutes=5, seconds=1) == simulation.now - started


def _restarted(times: int, ended: str = "") -> Simulation:
    """A canary that had requests, and whose pods crash; one of them so often."""
    simulation = climbing()
    simulation.go(3)
    ours = pods_of(simulation, canary(simulation))
    for name in ours:
        simulation.fail(name)
    simulation.reconcile()
    assert "Preparing" == simulation.rollout["state"]
    for name in ours:
        simulation.fail(name, restarts=times if name == ours[0] else 0)
        if ended:
            status = simulation.pods[name]["status"]
            status["containerStatuses"][0]["lastState"] = {"terminated": {"reason": ended, "exitCode": 137}}
    simulation.reconcile()
    return simulation


def test_a_restart_is_forgiven_and_two_are_not() -> None:
    assert "Preparing" == _restarted(1).rollout["state"]
    assert ("CheckFailed", "Model") == (_rejected(_restarted(2))["reason"], _rejected(_restarted(2))["cause"])


def test_pods_that_ran_out_of_memory_say_nothing_against_the_model() -> None:
    assert "Infrastructure" == _rejected(_restarted(2, "OOMKilled"))["cause"]
    assert "Model" == _rejected(_restarted(2, "Error"))["cause"]


def test_another_container_that_ran_out_of_memory_is_no_excuse() -> None:
    simulation = climbing()
    simulation.go(3)
    ours = pods_of(simulation, canary(simulation))
    for restarts in (0, 2):
        for name in ours:
            simulation.fail(name, restarts=restarts)
            other = {"name": "sidecar", "restartCount": 0, "lastState": {"terminated": {"reason": "OOMKilled"}}}
            simulation.pods[name]["status"]["containerStatuses"].append({**other, "ready": False, "state": {}})
        simulation.reconcile()

    assert "Model" == _rejected(simulation)["cause"]


def test_who_still_goes_by_an_older_table_has_stopped_before_the_pods_go() -> None:
    simulation = climbing()
    annotate(simulation, ABORT, canary(simulation))
    simulation.reconcile()
    state = decode(simulation.model["status"])

    assert isinstance(state, Withdrawing)
    assert timedelta(minutes=10, seconds=30) == state.until - state.since


def test_a_digest_that_failed_for_no_fault_of_its_own_may_be_tried_in_another_dress() -> None:
    simulation = climbing(onNoData=_SILENCE)
    _seconds_until_it_leaves(simulation)
    simulation.until("Serving")
    simulation.edit(serving={"resources": {"requests": {"cpu": "1"}}})
    simulation.until("Climbing")

    assert OTHER_DIGEST == simulation.model["status"]["canary"]["sha256"]


@pytest.mark.parametrize(("after_s", "state"), [(59, "Climbing"), (60, "Withdrawing")])
def test_silence_counts_to_the_second_from_when_the_weight_was_in_force(after_s: int, state: str) -> None:
    simulation = climbing(onNoData=_SILENCE)
    simulation.reconcile()
    simulation.wait(60)
    simulation.reconcile()
    simulation.wait(after_s)

    assert state == simulation.reconcile().state_name


def test_a_canary_that_never_had_a_request_may_restart_until_it_is_ready() -> None:
    simulation = on_trial()
    simulation.run_controllers()
    for name in pods_of(simulation, canary(simulation)):
        simulation.fail(name, restarts=5)

    assert "Preparing" == simulation.reconcile().state_name
    assert "rejected" not in simulation.model["status"]
