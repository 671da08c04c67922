"""What stops a model before anything is made for it."""

from __future__ import annotations

import dataclasses
from typing import Any

from bankmodel_operator.core.observation import ClusterFacts
from bankmodel_operator.core.rollout import decide, needed
from support.bankmodels import DIGEST
from support.simulated_cluster import Simulation

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}
IMAGE = {"version": "2", "sha256": f"{2:064x}", "source": {"image": {"reference": "registry.example/m:2"}}}


def namesake(uid: str) -> list[dict[str, Any]]:
    return [{"kind": "BankModel", "name": "mortgage-approval", "uid": uid, "controller": True}]


def test_a_foreign_service_stops_everything_and_is_named_with_its_owner() -> None:
    simulation = Simulation(model=HTTP)
    owner = [{"kind": "Application", "name": "shop", "uid": "other", "controller": True}]
    simulation.put_foreign("v1", "Service", "mortgage-approval", ownerReferences=owner)

    simulation.reconcile()

    assert len(simulation.objects) == 1
    assert simulation.condition("Stalled")["reason"] == "NameTaken"
    assert "Service mortgage-approval" in simulation.condition("Ready")["message"]
    assert "Application shop" in simulation.condition("Ready")["message"]


def test_a_freed_name_lets_it_go_on() -> None:
    simulation = Simulation(model=HTTP)
    simulation.put_foreign("v1", "Service", "mortgage-approval")
    simulation.reconcile()
    simulation.objects.clear()

    simulation.settle()

    assert simulation.condition("Ready")["status"] == "True"


def test_a_name_taken_from_the_next_revision_leaves_the_stable_alone() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    stable = simulation.selected()
    simulation.serve_version("2", f"{2:064x}")
    ref = next(ref for ref in needed(simulation.observe()) if ref.kind == "Deployment")
    simulation.put_foreign("apps/v1", "Deployment", ref.name)

    simulation.scale(3)
    simulation.reconcile()

    assert simulation.condition("Stalled")["reason"] == "NameTaken"
    assert simulation.condition("Available")["status"] == "True"
    assert simulation.get("Deployment", f"{simulation.name}-{stable}")["spec"]["replicas"] == 3


def test_leftovers_of_a_deleted_namesake_are_waited_for() -> None:
    simulation = Simulation(model=HTTP)
    simulation.put_foreign("v1", "Service", "mortgage-approval", ownerReferences=namesake("earlier"))

    decision = simulation.reconcile()

    assert simulation.condition("Reconciling")["reason"] == "WaitingForLeftovers"
    assert simulation.condition("Stalled")["status"] == "False"
    assert decision.desired == ()
    assert decision.requeue_after is not None


def test_an_object_on_its_way_out_is_a_leftover() -> None:
    simulation = Simulation(model=HTTP)
    simulation.put_foreign("v1", "Service", "mortgage-approval", deletionTimestamp="2026-11-24T08:00:00Z")

    simulation.reconcile()

    assert simulation.condition("Reconciling")["reason"] == "WaitingForLeftovers"


def test_an_image_source_needs_image_volumes() -> None:
    simulation = Simulation(model=IMAGE)
    simulation.facts = ClusterFacts(image_volumes=False, version="v1.30.1")

    simulation.reconcile()

    assert simulation.objects == {}
    assert simulation.condition("Stalled")["reason"] == "SourceUnsupported"
    assert "http, s3 or volume" in simulation.condition("Stalled")["message"]


def test_an_unsupported_source_leaves_the_stable_serving() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    simulation.facts = ClusterFacts(image_volumes=False)

    simulation.edit(model=IMAGE)
    simulation.reconcile()

    assert simulation.condition("Ready")["status"] == "False"
    assert simulation.condition("Stalled")["reason"] == "SourceUnsupported"
    assert simulation.condition("Available")["status"] == "True"
    assert simulation.model["status"]["rollout"]["state"] == "Serving"


def test_a_new_target_behind_an_obstacle_does_not_let_the_old_target_through() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    stable = simulation.selected()
    simulation.serve_version("3", f"{3:064x}")
    simulation.reconcile()
    simulation.run_controllers()
    simulation.make_all_ready()
    simulation.facts = ClusterFacts(image_volumes=False)

    simulation.edit(model=IMAGE)
    simulation.reconcile()

    assert stable == simulation.selected()
    assert simulation.model["status"]["rollout"]["state"] == "Progressing"


def test_a_standing_obstacle_is_one_event() -> None:
    simulation = Simulation(model=HTTP)
    simulation.put_foreign("v1", "Service", "mortgage-approval")

    first, second = simulation.reconcile(), simulation.reconcile()

    assert [event.reason for event in first.events] == ["NameTaken"]
    assert second.events == ()


def test_a_target_past_its_deadline_is_stalled_and_recovers_by_itself() -> None:
    simulation = Simulation(model=HTTP, rollout={"steps": [], "progressDeadline": "1m"})
    simulation.settle()
    simulation.serve_version("2", f"{2:064x}")
    simulation.reconcile()
    simulation.run_controllers()
    simulation.wait(61)
    simulation.reconcile()
    assert simulation.condition("Stalled")["reason"] == "ProgressDeadlineExceeded"
    assert simulation.condition("Available")["status"] == "True"

    simulation.make_all_ready()
    simulation.settle()

    assert simulation.condition("Ready")["status"] == "True"
    assert simulation.model["status"]["stable"]["version"] == "2"


def test_a_pass_is_due_when_the_deadline_is() -> None:
    simulation = Simulation(model=HTTP, rollout={"steps": [], "progressDeadline": "1m"})
    decision = decide(simulation.observe(), simulation.settings, simulation.now)

    assert decision.requeue_after is not None
    assert decision.requeue_after.total_seconds() == 60


def test_a_refused_write_shows_while_the_stable_serves() -> None:
    from bankmodel_operator.core.names import ObjectRef
    from bankmodel_operator.core.observation import Refusal

    simulation = Simulation(model=HTTP)
    simulation.settle()
    refusal = Refusal(ObjectRef("policy/v1", "PodDisruptionBudget", "x"), "forbidden by policy")
    observation = dataclasses.replace(simulation.observe(), refusals=(refusal,))

    decision = decide(observation, simulation.settings, simulation.now)

    said = {each["type"]: (each["status"], each["reason"]) for each in decision.status["conditions"]}
    assert said["Stalled"] == ("True", "WriteRefused")
    assert said["Available"][0] == "True"
