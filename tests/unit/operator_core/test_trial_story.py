"""Trials from beginning to end against the simulated cluster: one story a test."""

from __future__ import annotations

from support.simulated_pods import described
from support.simulated_trials import ABORT, HTTP, PAUSED, PROMOTE, annotate, canary, climbing, on_trial


def test_a_good_model_climbs_every_step_bakes_and_is_stable() -> None:
    simulation = on_trial()
    new, weights = canary(simulation), []
    for _ in range(400):
        decision = simulation.go(requests=5)
        weights.append(simulation.rollout.get("weight"))
        if decision.state_name == "Serving":
            break

    assert simulation.model["status"]["stable"]["revision"] == new == simulation.selected()
    assert [0, 10, 50, 100, None, 0] == [
        weight for weight, before in zip(weights, [None, *weights], strict=False) if weight != before
    ]
    assert simulation.condition("Ready")["status"] == "True"
    assert len(simulation.of_kind("Deployment")) == 1
    assert {"applied", "ready", "firstTraffic", "promoted"} < set(simulation.model["status"]["leadTime"])


def test_no_weight_without_confirmed_weight_and_requests() -> None:
    simulation = climbing()
    simulation.go(40)

    assert 10 == simulation.rollout["weight"]
    assert "UNKNOWN" == simulation.rollout["verdicts"][0]["verdict"]


def test_no_weight_rises_before_status_says_pass() -> None:
    simulation = climbing()
    simulation.go(40)
    simulation.answer_requests(100)
    told = []
    while simulation.rollout.get("weight") == 10:
        told = [each["verdict"] for each in simulation.rollout["verdicts"]]
        simulation.reconcile()

    assert {"PASS"} == set(told)


def test_a_failed_check_takes_the_weight_away_in_the_same_pass() -> None:
    simulation = climbing()
    new = canary(simulation)
    simulation.go(3, requests=10)
    simulation.answer_requests(10, errors=10)
    decision = simulation.reconcile()

    assert "Withdrawing" == decision.state_name
    assert "canary" not in simulation.table()

    simulation.until("Serving")
    assert new == simulation.model["status"]["rejected"][0]["revision"]
    assert "RolledBack" == simulation.condition("Stalled")["reason"]
    assert "True" == simulation.condition("Available")["status"]


def test_a_pause_holds_the_weight_and_a_fail_still_takes_it() -> None:
    simulation = climbing()
    annotate(simulation, PAUSED, "audit")
    simulation.go(60, requests=5)
    assert 10 == simulation.rollout["weight"]
    assert "Paused" == simulation.condition("Ready")["reason"]

    simulation.until("Withdrawing", requests=50, errors=50)


def test_back_to_the_stable_model_cancels_without_a_rejection() -> None:
    simulation = climbing()
    simulation.edit(model=HTTP)
    simulation.until("Withdrawing")
    simulation.until("Serving")

    assert "rejected" not in simulation.model["status"]
    simulation.go(3)
    assert "True" == simulation.condition("Ready")["status"]


def test_another_model_in_mid_rollout_starts_at_the_first_step() -> None:
    simulation = climbing()
    simulation.until("Climbing", requests=5)
    simulation.serve_version("3", f"{3:064x}")
    simulation.until("Withdrawing")
    simulation.until("Climbing")

    assert "3" == simulation.model["status"]["canary"]["version"]
    assert 10 == simulation.rollout["weight"]


def test_a_failed_check_in_bake_moves_callers_back() -> None:
    simulation = climbing()
    old = simulation.selected()
    simulation.until("Baking", requests=5)
    simulation.go(2)
    assert old != simulation.selected()
    annotate(simulation, ABORT, simulation.model["status"]["stable"]["revision"])
    simulation.go(2)

    assert old == simulation.selected()
    simulation.until("Serving")
    simulation.go(10)
    assert old == simulation.model["status"]["stable"]["revision"]
    assert "RolledBack" == simulation.condition("Stalled")["reason"]
    assert "history" not in simulation.model["status"]


def test_a_model_that_was_stable_returns_without_the_ladder() -> None:
    simulation = on_trial()
    simulation.until("Baking", requests=5)
    simulation.until("Serving", requests=5, seconds=10)
    simulation.edit(model=HTTP)
    simulation.reconcile()

    assert "Progressing" == simulation.rollout["state"]


def test_and_with_the_ladder_once_the_window_has_passed() -> None:
    simulation = on_trial(rollbackWindow="1h")
    simulation.until("Baking", requests=5)
    simulation.until("Serving", requests=5, seconds=10)
    simulation.wait(7200)
    simulation.edit(model=HTTP)
    simulation.reconcile()

    assert "Preparing" == simulation.rollout["state"]


def test_a_table_that_nobody_renewed_is_verified_afresh() -> None:
    simulation = climbing()
    simulation.go(3)
    generation = simulation.table()["generation"]
    assert "watched" in simulation.rollout
    simulation.wait(3600)
    simulation.read_tables()
    simulation.reconcile()

    assert "watched" not in simulation.rollout
    assert simulation.table()["generation"] > generation


def test_time_counts_only_while_somebody_watched() -> None:
    simulation = climbing()
    simulation.go(3, requests=50)
    simulation.wait(300)
    simulation.go(3, requests=5)

    assert 10 == simulation.rollout["weight"]


def test_suspension_takes_the_canary_its_requests_and_then_nothing_is_written() -> None:
    simulation = climbing()
    simulation.go(3)
    simulation.edit(suspend=True)
    simulation.go(3)
    writes = simulation.writes
    simulation.go(5)

    assert "canary" not in simulation.table()
    assert writes == simulation.writes

    simulation.edit(suspend=False)
    simulation.until("Climbing")


def test_a_canary_without_ready_pods_loses_its_requests_and_comes_back() -> None:
    simulation = climbing()
    simulation.go(3)
    for name in simulation.pods:
        if canary(simulation) in name:
            simulation.fail(name)
    simulation.reconcile()

    assert "Preparing" == simulation.rollout["state"]
    assert "canary" not in simulation.table()
    simulation.until("Climbing")


def test_a_canary_that_restarts_again_and_again_is_taken_back() -> None:
    simulation = climbing()
    new = canary(simulation)
    simulation.go(3)
    for restarts in (0, 1, 2):
        for name in [name for name in simulation.pods if new in name]:
            simulation.fail(name, restarts=restarts)
        simulation.reconcile()

    assert "Withdrawing" == simulation.rollout["state"]
    entry = simulation.model["status"]["rejected"][0]
    assert ("CheckFailed", True) == (entry["reason"], "restarted" in entry["message"])


def test_a_dead_stable_is_replaced_by_order_only() -> None:
    simulation = on_trial()
    simulation.go(2)
    new = canary(simulation)
    for _ in range(10):
        simulation.reconcile()
        simulation.run_controllers()
        for name in simulation.pods:
            (simulation.make_ready if new in name else simulation.fail)(name)
        simulation.wait(1)
    assert "StableUnavailable" == simulation.condition("Stalled")["reason"]
    assert f"promote={new}" in simulation.condition("Stalled")["message"]

    annotate(simulation, PROMOTE, new)
    for _ in range(40):
        simulation.reconcile()
        simulation.run_controllers()
        for name in simulation.pods:
            (simulation.make_ready if new in name else simulation.fail)(name)
        simulation.wait(1)

    assert new == simulation.selected()


def test_a_canary_that_needs_what_nobody_sends_gets_no_step() -> None:
    simulation = on_trial()
    simulation.descriptions[canary(simulation)] = described(("features", "loan"))
    simulation.go(10)

    assert "Preparing" == simulation.rollout["state"]
    assert ["loan"] == simulation.table()["canary"]["awaits"]
    assert "InputsAwaited" == simulation.condition("Ready")["reason"]
    assert "loan" in simulation.condition("Ready")["message"]


def test_a_canary_with_other_outputs_gets_no_step() -> None:
    simulation = on_trial()
    simulation.descriptions[canary(simulation)] = described(outputs=())
    simulation.go(10)

    assert "Preparing" == simulation.rollout["state"]
    assert "OutputsChanged" == simulation.condition("Stalled")["reason"]


def test_a_canary_with_other_outputs_stays_in_the_shadow() -> None:
    simulation = on_trial(shadow={"hold": "1m"})
    simulation.descriptions[canary(simulation)] = described(outputs=())
    simulation.go(200, requests=5)

    assert ("Climbing", 0) == (simulation.rollout["state"], simulation.rollout["weight"])
    assert {"PASS"} == {each["verdict"] for each in simulation.rollout["verdicts"]}


def test_a_shadow_answers_nobody() -> None:
    simulation = climbing(shadow={"hold": "1m"})
    simulation.go(3)

    assert (0, True) == (simulation.table()["canary"]["weight"], simulation.table()["canary"]["mirror"])
    assert "Shadowing" == simulation.condition("Ready")["reason"]


def test_an_unconfirmed_weight_goes_back_by_a_step() -> None:
    simulation = climbing(progressDeadline="1m")
    while simulation.rollout.get("weight") == 10:
        simulation.answer_requests(5)
        simulation.wait(1)
        simulation.reconcile()
    assert 50 == simulation.rollout["weight"]
    for _ in range(62):
        simulation.reconcile()
        simulation.wait(1)

    assert 10 == simulation.rollout["weight"]


def test_a_rollout_past_its_deadline_ends() -> None:
    simulation = climbing(deadline="2m")
    simulation.go(130)

    assert "DeadlineExceeded" == simulation.condition("Stalled")["reason"]


def test_a_bake_goes_on_after_the_status_was_lost() -> None:
    simulation = climbing()
    simulation.until("Baking", requests=5)
    simulation.go(3)
    new = simulation.selected()
    simulation.lose_status()
    simulation.go(2)

    assert "Baking" == simulation.rollout["state"]
    assert new == simulation.model["status"]["stable"]["revision"]


def test_an_idle_pass_on_a_step_writes_nothing() -> None:
    simulation = climbing()
    simulation.go(5, requests=5)
    simulation.wait(1)
    writes = simulation.writes
    for _ in range(20):
        simulation.reconcile()
        simulation.wait(2)

    assert simulation.writes - writes <= 2  # the minute's figures: status and evidence


def test_scaling_in_mid_rollout_shrinks_nobody() -> None:
    simulation = climbing()
    simulation.scale(1)
    simulation.go(3)
    sizes = {each["metadata"]["name"][-10:]: each["spec"]["replicas"] for each in simulation.of_kind("Deployment")}

    assert 2 == sizes[simulation.selected()]


def test_a_suspended_model_that_lost_its_status_has_no_canary() -> None:
    """Nobody may judge it, and nobody knows of it any more: it must not go on until the grant runs out."""
    simulation = climbing()
    simulation.go(5, requests=5)
    simulation.edit(suspend=True)
    simulation.lose_status()
    simulation.reconcile()
    simulation.reconcile()

    assert "canary" not in simulation.table()


def test_a_canary_that_a_lost_status_forgot_keeps_its_pods_until_nobody_sends_it_anything() -> None:
    simulation = climbing()
    simulation.go(5, requests=5)
    old, size = canary(simulation), len([name for name in simulation.pods if canary(simulation) in name])
    simulation.lose_status()
    simulation.serve_version("3", "3" * 64)
    for _ in range(5):
        simulation.reconcile()  # no pod reads a table meanwhile
        simulation.wait(1)
    left = {each["metadata"]["name"][-10:]: each["spec"]["replicas"] for each in simulation.of_kind("Deployment")}

    assert "canary" not in simulation.table()
    assert size == left[old]

    simulation.until("Climbing")
    assert "3" == simulation.model["status"]["canary"]["version"]
