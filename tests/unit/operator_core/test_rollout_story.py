"""Rollouts from beginning to end against the simulated cluster: one story a test."""

from __future__ import annotations

from bankmodel_operator.core.observation import Report
from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Crashed, Simulation

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}


def a_running_model(**spec: object) -> Simulation:
    simulation = Simulation(model=HTTP, **spec)
    simulation.settle()
    return simulation


def test_the_first_revision_gets_callers_with_its_first_ready_pod() -> None:
    simulation = Simulation(model=HTTP)
    simulation.reconcile()
    simulation.run_controllers()
    assert simulation.selected() == ""

    simulation.make_ready(min(simulation.pods))
    simulation.reconcile()

    assert simulation.model["status"]["stable"]["revision"] == simulation.selected()
    assert simulation.condition("Available")["status"] == "True"
    assert simulation.condition("Ready")["reason"] == "Scaling"


def test_first_sight_is_unknown_and_under_way() -> None:
    simulation = Simulation(model=HTTP)

    simulation.reconcile()

    assert simulation.condition("Ready")["status"] == "Unknown"
    assert simulation.condition("Reconciling")["status"] == "True"


def test_a_settled_model_is_ready_and_an_idle_pass_writes_nothing() -> None:
    simulation = a_running_model()
    writes = simulation.writes
    simulation.wait(3600)

    decision = simulation.reconcile()

    assert simulation.condition("Ready")["status"] == "True"
    assert writes == simulation.writes
    assert decision.events == ()


def test_an_update_moves_callers_only_when_every_new_pod_is_ready() -> None:
    simulation = a_running_model()
    old = simulation.selected()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.run_controllers()
    new = simulation.rollout["target"]["revision"]
    simulation.make_ready(next(name for name in simulation.pods if new in name))
    simulation.reconcile()
    assert old == simulation.selected()

    simulation.make_all_ready()
    simulation.reconcile()

    assert new == simulation.selected()
    assert simulation.table()["superseded"] == [old]
    assert simulation.ready_pods(old) == 2


def test_a_drain_waits_for_the_last_connection() -> None:
    simulation = _draining()
    simulation.wait(5)

    simulation.reconcile()
    assert simulation.rollout["state"] == "Draining"

    simulation.read_tables()
    simulation.reconcile()
    assert simulation.rollout["state"] == "Serving"


def test_a_drain_ends_at_its_deadline_when_pods_are_silent() -> None:
    simulation = _draining()
    simulation.wait(31)

    simulation.reconcile()

    assert simulation.rollout["state"] == "Serving"
    assert len(simulation.of_kind("Deployment")) == 1


def test_a_drain_is_never_shorter_than_two_seconds() -> None:
    simulation = _draining()
    simulation.read_tables()
    simulation.wait(1)

    simulation.reconcile()

    assert simulation.rollout["state"] == "Draining"


def test_pods_that_have_not_read_the_table_are_nudged_again() -> None:
    simulation = _draining()
    first = {
        pod["metadata"]["annotations"]["serving.bankmodel.io/routing-generation"] for pod in simulation.pods.values()
    }
    for name in simulation.pods:
        simulation.reports[name] = Report(generation=1, connections=1)
    simulation.wait(3)

    decision = simulation.reconcile()

    generation = simulation.rollout["generation"]
    assert first == {str(generation)}
    assert {nudge.value for nudge in decision.nudges} == {f"{generation}.1"}


def test_the_record_of_a_retired_revision_is_kept_and_used_again() -> None:
    simulation = a_running_model()
    old = simulation.selected()
    simulation.operator_upgrade("registry.example/bankmodel-serving:2")
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.settle()
    assert len(simulation.of_kind("ControllerRevision")) == 2

    simulation.serve_version("1", DIGEST)
    simulation.settle()

    assert old == simulation.selected()
    assert simulation.model["status"]["stable"]["image"] == "registry.example/bankmodel-serving:1"


def test_records_beyond_the_history_limit_go() -> None:
    simulation = a_running_model(revisionHistoryLimit=1)
    for number in range(2, 5):
        simulation.serve_version(str(number), f"{number:064x}")
        simulation.settle()

    assert len(simulation.of_kind("ControllerRevision")) == 2
    assert [entry["version"] for entry in simulation.model["status"]["history"]] == ["3", "2", "1"]


def test_returning_to_the_stable_revision_cancels() -> None:
    simulation = a_running_model()
    old = simulation.selected()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()

    simulation.serve_version("1", DIGEST)
    simulation.settle()

    assert old == simulation.selected()
    assert len(simulation.of_kind("Deployment")) == 1
    assert "history" not in simulation.model["status"]


def test_another_target_replaces_the_one_under_way() -> None:
    simulation = a_running_model()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    second = simulation.rollout["target"]["revision"]

    simulation.serve_version("3", f"{3:064x}")
    simulation.reconcile()

    third = simulation.rollout["target"]["revision"]
    running = {each["metadata"]["name"].rpartition("-")[2] for each in simulation.of_kind("Deployment")}
    assert second not in running
    assert running == {simulation.selected(), third}


def test_a_target_that_comes_during_a_drain_waits_for_its_end() -> None:
    simulation = _draining()
    simulation.serve_version("3", f"{3:064x}")
    simulation.reconcile()
    assert simulation.rollout["state"] == "Draining"

    simulation.settle()

    assert simulation.model["status"]["stable"]["version"] == "3"


def test_capacity_is_kept_when_the_model_is_scaled_down_in_mid_rollout() -> None:
    simulation = a_running_model(serving={"replicas": 5})
    stable = simulation.selected()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()

    simulation.scale(1)
    simulation.reconcile()

    sizes = {each["metadata"]["name"]: each["spec"]["replicas"] for each in simulation.of_kind("Deployment")}
    assert sizes[f"{simulation.name}-{stable}"] == 5
    simulation.settle()
    assert [each["spec"]["replicas"] for each in simulation.of_kind("Deployment")] == [1]


def test_another_default_image_restarts_no_pod_and_is_told() -> None:
    simulation = a_running_model()
    template = simulation.of_kind("Deployment")[0]["spec"]["template"]

    simulation.operator_upgrade("registry.example/bankmodel-serving:2")
    simulation.reconcile()

    assert template == simulation.of_kind("Deployment")[0]["spec"]["template"]
    assert "older than the operator's default" in simulation.condition("Available")["message"]


def test_a_lost_status_is_rebuilt_and_nothing_moves() -> None:
    simulation = a_running_model()
    before = {key: each["metadata"]["resourceVersion"] for key, each in simulation.objects.items()}
    stable = simulation.selected()

    simulation.lose_status()
    simulation.reconcile()

    assert stable == simulation.model["status"]["stable"]["revision"]
    assert before == {key: each["metadata"]["resourceVersion"] for key, each in simulation.objects.items()}


def test_a_status_lost_in_mid_rollout_keeps_the_target() -> None:
    simulation = a_running_model()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    uids = {each["metadata"]["uid"] for each in simulation.of_kind("Deployment")}

    simulation.lose_status()
    simulation.reconcile()
    simulation.reconcile()

    assert simulation.rollout["state"] == "Progressing"
    assert uids == {each["metadata"]["uid"] for each in simulation.of_kind("Deployment")}


def test_a_record_deleted_by_hand_is_made_again_from_what_runs() -> None:
    simulation = a_running_model()
    template = simulation.of_kind("Deployment")[0]["spec"]["template"]
    simulation.operator_upgrade("registry.example/bankmodel-serving:2")
    del simulation.objects["ControllerRevision", f"{simulation.name}-{simulation.selected()}"]

    simulation.reconcile()

    assert template == simulation.of_kind("ControllerRevision")[0]["data"]["template"]


def test_suspension_writes_status_only() -> None:
    simulation = a_running_model()
    simulation.edit(suspend=True)
    simulation.scale(5)
    simulation.serve_version("2", OTHER_DIGEST)
    objects = dict(simulation.objects)

    simulation.reconcile()

    assert objects == simulation.objects
    assert simulation.condition("Ready")["reason"] == "Suspended"
    assert simulation.condition("Reconciling")["status"] == "True"
    assert simulation.condition("Available")["status"] == "True"


def test_a_suspended_model_that_needs_nothing_stays_ready() -> None:
    simulation = a_running_model()

    simulation.edit(suspend=True)
    simulation.reconcile()

    assert simulation.condition("Ready")["status"] == "True"


def test_nothing_is_written_for_a_model_being_deleted() -> None:
    simulation = a_running_model()
    simulation.model["metadata"]["deletionTimestamp"] = "2026-11-24T09:00:00Z"
    simulation.scale(7)
    writes = simulation.writes

    simulation.reconcile()

    assert writes == simulation.writes


def test_an_unknown_saved_state_is_held_and_kept_as_it_was() -> None:
    simulation = a_running_model()
    simulation.edit_status(rollout={"state": "Stepping", "step": 3, "generation": 9})
    simulation.scale(7)
    objects = dict(simulation.objects)

    simulation.reconcile()

    assert simulation.rollout == {"state": "Stepping", "step": 3, "generation": 9}
    assert objects == simulation.objects
    assert simulation.condition("Ready")["status"] == "Unknown"
    assert simulation.condition("Ready")["reason"] == "NotUnderstood"


def test_callers_stay_when_the_new_pods_die_between_save_and_act() -> None:
    simulation = _saved_but_not_acted()
    old = simulation.selected()
    new = simulation.model["status"]["stable"]["revision"]
    for name in (name for name in simulation.pods if new in name):
        simulation.fail(name)

    simulation.reconcile()
    assert old == simulation.selected()
    assert simulation.ready_pods(old) == 2

    simulation.wait(31)
    simulation.reconcile()
    assert simulation.rollout["state"] == "Progressing"
    assert old == simulation.model["status"]["stable"]["revision"]
    assert "history" not in simulation.model["status"]


def _draining() -> Simulation:
    simulation = a_running_model()
    simulation.reports.clear()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.run_controllers()
    simulation.make_all_ready()
    simulation.reconcile()
    assert simulation.rollout["state"] == "Draining"
    return simulation


def _saved_but_not_acted() -> Simulation:
    simulation = a_running_model()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.run_controllers()
    simulation.make_all_ready()
    try:
        simulation.reconcile(crash_before_write=1)
    except Crashed:
        return simulation
    raise AssertionError("there was nothing to crash before")
