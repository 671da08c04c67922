"""What the rollout does when something goes wrong at a bad moment: refusals, deletions by hand, pods that die."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from bankmodel_operator.core.names import ObjectRef
from bankmodel_operator.core.observation import Report
from bankmodel_operator.core.plan import plan
from bankmodel_operator.core.rollout import decide, needed
from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Conflict, Crashed, Simulation

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}


def a_running_model(**spec: object) -> Simulation:
    simulation = Simulation(model=HTTP, **spec)
    simulation.settle()
    return simulation


def a_second_revision_with_all_pods_ready() -> Simulation:
    simulation = a_running_model()
    simulation.reports.clear()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.run_controllers()
    simulation.make_all_ready()
    return simulation


def fail_all(simulation: Simulation, revision: str) -> None:
    for name in (name for name in simulation.pods if revision in name):
        simulation.fail(name)


@pytest.mark.parametrize("kind", ["ConfigMap", "Service", "Deployment", "ControllerRevision"])
def test_a_write_that_is_refused_again_and_again_saves_no_status_again_and_again(kind: str) -> None:
    simulation = Simulation(model=HTTP)
    simulation.refuses = {kind: f"exceeded quota: {kind}"}
    for _ in range(3):
        simulation.reconcile()
    writes, generation = simulation.writes, simulation.rollout["generation"]

    simulation.reconcile()

    assert writes == simulation.writes
    assert generation == simulation.rollout["generation"]
    assert simulation.condition("Stalled")["reason"] == "QuotaExceeded"


def test_a_table_that_was_refused_carries_the_latest_content_when_it_is_taken() -> None:
    simulation = a_running_model()
    before = simulation.table()["generation"]
    simulation.refuses = {"ConfigMap": "denied by policy"}
    simulation.edit(owner="retail-risk")
    simulation.reconcile()
    simulation.edit(owner="cards-risk")
    simulation.reconcile()

    simulation.refuses = {}
    simulation.reconcile()

    assert simulation.table()["owner"] == "cards-risk"
    assert simulation.table()["generation"] > before


def test_a_table_deleted_by_hand_comes_back_with_no_lower_generation() -> None:
    simulation = a_running_model()
    table = simulation.table()
    del simulation.objects["ConfigMap", f"{simulation.name}-routing"]

    simulation.reconcile()

    assert table == simulation.table()


def test_status_and_table_lost_together_start_no_lower_generation() -> None:
    simulation = a_running_model()
    before = simulation.table()["generation"]
    simulation.lose_status()
    del simulation.objects["ConfigMap", f"{simulation.name}-routing"]

    simulation.reconcile()
    simulation.reconcile()

    assert simulation.table()["generation"] >= before


def test_a_rebuilt_status_is_looked_at_again_at_once() -> None:
    simulation = a_running_model()
    simulation.lose_status()

    decision = simulation.reconcile()

    assert decision.requeue_after is not None
    assert decision.requeue_after.total_seconds() == 0


def test_old_pods_stay_to_the_deadline_when_the_new_ones_die_while_they_drain() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    simulation.reconcile()
    new = simulation.selected()
    fail_all(simulation, new)
    simulation.wait(5)
    simulation.read_tables()

    simulation.reconcile()

    assert simulation.rollout["state"] == "Draining"
    assert len(simulation.of_kind("Deployment")) == 2


def test_a_pod_that_does_not_say_how_many_connections_it_has_may_have_some() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    simulation.reconcile()
    generation = simulation.table()["generation"]
    simulation.reports = {name: Report(generation=generation) for name in simulation.pods}
    simulation.wait(5)

    simulation.reconcile()

    assert simulation.rollout["state"] == "Draining"


def test_a_leader_that_froze_before_it_moved_the_selector_moves_it_no_more() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    old = simulation.selected()
    *others, move = planned_writes(simulation)[0]
    for write in others:
        write()
    fail_all(simulation, simulation.model["status"]["stable"]["revision"])
    simulation.reconcile()

    with pytest.raises(Conflict):
        move()
    assert old == simulation.selected()


def test_a_leader_that_froze_before_it_deleted_a_revision_leaves_it_when_it_is_asked_for_again() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    old = simulation.selected()
    simulation.reconcile()
    simulation.wait(31)
    writes, deletes = planned_writes(simulation)
    for write in writes:
        write()
    simulation.serve_version("1", DIGEST)
    simulation.reconcile()

    for delete in deletes:
        with contextlib.suppress(Conflict):
            delete()

    assert simulation.get("Deployment", f"{simulation.name}-{old}")


def planned_writes(simulation: Simulation) -> tuple[list[Callable[[], None]], list[Callable[[], None]]]:
    """What a leader would write now, in its order, the status first; and what it would delete after that."""
    observation = simulation.observe()
    decision = decide(observation, simulation.settings, simulation.now)
    todo = plan(decision.desired, observation.owned, owner=simulation.model, prune=decision.prune)
    every = list(simulation.writes_of(decision, todo))
    first_delete = len(every) - len(todo.delete)
    return every[:first_delete], every[first_delete:]


def test_lead_time_forgets_a_promotion_that_did_not_happen() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    with pytest.raises(Crashed):
        simulation.reconcile(crash_before_write=1)
    new = simulation.model["status"]["stable"]["revision"]
    fail_all(simulation, new)
    simulation.wait(31)

    simulation.reconcile()

    assert simulation.rollout["state"] == "Progressing"
    assert {"revision", "applied"} == set(simulation.model["status"]["leadTime"])


def test_callers_are_led_back_even_if_the_history_was_deleted_by_hand() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    old = simulation.selected()
    with pytest.raises(Crashed):
        simulation.reconcile(crash_before_write=1)
    fail_all(simulation, simulation.model["status"]["stable"]["revision"])
    simulation.edit_status(history=None)
    simulation.wait(31)

    simulation.reconcile()

    assert simulation.rollout["state"] == "Progressing"
    assert old == simulation.model["status"]["stable"]["revision"]
    assert simulation.model["status"]["stable"]["version"] == "1"


def test_a_fix_gets_through_when_a_drain_has_nothing_left_to_wait_for() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    simulation.reconcile()
    fail_all(simulation, simulation.selected())
    del simulation.objects["Service", simulation.name]
    fail_all(simulation, simulation.rollout["superseded"][0])
    simulation.wait(31)

    simulation.serve_version("3", f"{3:064x}")
    simulation.reconcile()
    simulation.reconcile()

    assert simulation.rollout["target"]["version"] == "3"


def test_callers_go_back_when_every_new_pod_has_died_by_the_end_of_the_drain() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    old = simulation.selected()
    simulation.reconcile()
    fail_all(simulation, simulation.selected())
    simulation.wait(31)

    decision = simulation.reconcile()

    assert old == simulation.selected()
    assert old == simulation.table()["stable"]
    assert [event.reason for event in decision.events] == ["TakenBack"]
    assert "history" not in simulation.model["status"]
    assert simulation.condition("Available")["status"] == "True"
    simulation.settle()
    assert simulation.model["status"]["stable"]["version"] == "2"


def test_a_silent_pod_is_nudged_once_and_one_that_answers_every_few_seconds() -> None:
    simulation = a_second_revision_with_all_pods_ready()
    simulation.reconcile()
    silent, *others = sorted(simulation.pods)
    simulation.reports = {name: Report(generation=1, connections=1) for name in others}

    nudged = []
    for _ in range(10):
        simulation.wait(0.5)
        nudged += [nudge.pod for nudge in simulation.reconcile().nudges]

    assert silent not in nudged
    assert {name: nudged.count(name) for name in others} == dict.fromkeys(others, 1)


def test_a_stalled_change_does_not_say_that_a_dead_revision_serves() -> None:
    simulation = a_running_model(rollout={"progressDeadline": "1m"})
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.run_controllers()
    for name in simulation.pods:
        simulation.fail(name)
    simulation.wait(61)

    simulation.reconcile()

    assert "stays in service" not in simulation.condition("Stalled")["message"]
    assert simulation.condition("Available")["status"] == "False"


def test_a_budget_under_a_foreign_name_is_found_before_it_is_made() -> None:
    simulation = a_running_model(serving={"replicas": 3})
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.scale(1)
    simulation.reconcile()
    name = f"{simulation.name}-{simulation.rollout['target']['revision']}"

    assert ObjectRef("policy/v1", "PodDisruptionBudget", name) in needed(simulation.observe())
    assert simulation.get("PodDisruptionBudget", name)
