"""A model's life under a real apiserver, controller-manager and scheduler; pods are KWOK's, which become Ready at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.audit import Request
from support.operator_process import eventually
from support.stage import CHILDREN, Stage, a_model, stage

Kubectl = Callable[..., Any]


@pytest.fixture(scope="module")
def lending(api: ApiOnlyCluster, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One operator for all tests of this file; each has a model of its own."""
    namespace = f"lifecycle-{time.time_ns()}"
    kubectl("create", "namespace", namespace)
    folder = tmp_path_factory.mktemp("lifecycle")
    with stage(api, kubectl, namespace, folder, BANKMODEL_RESYNC="2s") as it:
        yield it
    kubectl("delete", "namespace", namespace, "--wait=false")


def names(children: list[dict[str, Any]], kind: str) -> set[str]:
    return {child["metadata"]["name"] for child in children if child["kind"] == kind}


def versions(lending: Stage, model: str) -> dict[str, str]:
    return {
        f"{child['kind']} {child['metadata']['name']}": child["metadata"]["resourceVersion"]
        for child in lending.children(model)
        if child["kind"] != "Deployment" and child["kind"] != "PodDisruptionBudget"  # their status moves by itself
    }


def test_a_new_model_becomes_ready_with_its_children(lending: Stage) -> None:
    lending.apply(a_model("born", lending.namespace))
    revision = lending.reaches("born")["status"]["stable"]["revision"]
    children = lending.children("born")

    assert {(child["kind"], child["metadata"]["name"]) for child in children} == {
        ("ControllerRevision", f"born-{revision}"),
        ("Deployment", f"born-{revision}"),
        ("PodDisruptionBudget", f"born-{revision}"),
        ("Service", f"born-{revision}"),
        ("Service", "born"),
        ("ConfigMap", "born-routing"),
        ("NetworkPolicy", "born"),
    }


def test_the_users_object_gets_no_annotation_and_no_finalizer(lending: Stage) -> None:
    lending.apply(a_model("untouched", lending.namespace))
    metadata = lending.reaches("untouched")["metadata"]

    assert "annotations" not in metadata
    assert "finalizers" not in metadata
    assert lending.managers("untouched") == {("user", ""), ("bankmodel-operator", "status")}


def test_an_update_replaces_the_revision_and_retires_the_old_one(lending: Stage) -> None:
    lending.apply(a_model("updated", lending.namespace))
    first = lending.reaches("updated")["status"]["stable"]["revision"]
    lending.apply(a_model("updated", lending.namespace, version="2"))
    second = lending.reaches("updated", "2")["status"]["stable"]["revision"]
    eventually(lambda: names(lending.children("updated"), "Deployment") == {f"updated-{second}"}, what="old one gone")

    assert names(lending.children("updated"), "ControllerRevision") == {f"updated-{first}", f"updated-{second}"}
    assert lending.get("service", "updated")["spec"]["selector"]["serving.bankmodel.io/revision"] == second


def test_the_stable_service_keeps_its_address_over_updates(lending: Stage) -> None:
    lending.apply(a_model("address", lending.namespace))
    lending.reaches("address")
    before = lending.get("service", "address")
    lending.apply(a_model("address", lending.namespace, version="2"))
    lending.reaches("address", "2")
    after = lending.get("service", "address")

    assert (after["metadata"]["uid"], after["spec"]["clusterIP"]) == (
        before["metadata"]["uid"],
        before["spec"]["clusterIP"],
    )


def test_scaling_changes_replicas_and_no_revision(lending: Stage) -> None:
    lending.apply(a_model("scaled", lending.namespace))
    revision = lending.reaches("scaled")["status"]["stable"]["revision"]
    lending.kubectl("scale", "bankmodel", "scaled", "-n", lending.namespace, "--replicas=4")
    eventually(lambda: lending.get("bankmodel", "scaled")["status"]["replicas"] == 4, what="4 replicas in status")

    assert lending.get("deployment", f"scaled-{revision}")["spec"]["replicas"] == 4
    assert names(lending.children("scaled"), "Deployment") == {f"scaled-{revision}"}


def test_a_change_of_owner_restarts_nothing(lending: Stage) -> None:
    def pods() -> set[str]:
        return names(lending.children("owned", "pods"), "Pod")

    lending.apply(a_model("owned", lending.namespace))
    lending.reaches("owned")
    before = pods()
    lending.apply(a_model("owned", lending.namespace, owner="retail-risk"))
    label = "serving.bankmodel.io/owner"
    eventually(
        lambda: {child["metadata"]["labels"][label] for child in lending.children("owned")} == {"retail-risk"},
        what="the new owner on every child",
    )

    assert pods() == before


def test_what_is_taken_out_of_the_spec_goes_from_the_children(lending: Stage) -> None:
    def purposes() -> set[str]:
        note = "serving.bankmodel.io/purpose"
        return {child["metadata"]["annotations"].get(note, "") for child in lending.children("vague")}

    lending.apply(a_model("vague", lending.namespace, purpose="Approve a loan"))
    lending.reaches("vague")
    before = purposes()
    lending.apply(a_model("vague", lending.namespace))
    eventually(lambda: purposes() == {""}, what="no child has a purpose")

    assert before == {"Approve a loan"}


def test_an_autoscaler_scales_the_model_itself(lending: Stage) -> None:
    scaling = {"minReplicas": 2, "maxReplicas": 6, "targetCPUPercent": 60}
    lending.apply(a_model("elastic", lending.namespace, serving={"autoscaling": scaling}))
    lending.reaches("elastic")
    spec = lending.get("horizontalpodautoscaler", "elastic")["spec"]

    assert spec["scaleTargetRef"] == {
        "apiVersion": "serving.bankmodel.io/v1alpha1",
        "kind": "BankModel",
        "name": "elastic",
    }
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    assert spec["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
    ]


def test_the_scale_subresource_tells_what_an_autoscaler_needs(lending: Stage) -> None:
    lending.apply(a_model("measured", lending.namespace, serving={"replicas": 3}))
    revision = lending.reaches("measured")["status"]["stable"]["revision"]
    path = f"/apis/serving.bankmodel.io/v1alpha1/namespaces/{lending.namespace}/bankmodels/measured/scale"
    scale = lending.api.admin.get(path)
    selector = dict(part.split("=") for part in scale["status"]["selector"].split(","))

    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    assert selector == {"serving.bankmodel.io/model": "measured", "serving.bankmodel.io/revision": revision}


def test_suspension_leaves_the_children_alone(lending: Stage) -> None:
    lending.apply(a_model("paused", lending.namespace))
    lending.reaches("paused")
    lending.settles(quiet_s=0.5)  # saved first, then acted
    before = versions(lending, "paused")
    lending.apply(a_model("paused", lending.namespace, version="2", suspend=True, owner="somebody-else"))
    generation = lending.get("bankmodel", "paused")["metadata"]["generation"]
    eventually(lambda: lending.get("bankmodel", "paused")["status"]["observedGeneration"] == generation, what="seen it")

    assert versions(lending, "paused") == before


def test_what_is_deleted_by_hand_comes_back(lending: Stage) -> None:
    lending.apply(a_model("repaired", lending.namespace))
    lending.reaches("repaired")
    before = set(versions(lending, "repaired"))
    lending.kubectl("delete", "-n", lending.namespace, "service/repaired", "networkpolicy/repaired")
    eventually(lambda: set(versions(lending, "repaired")) == before, what="both are back")


def test_what_is_changed_by_hand_is_put_right(lending: Stage) -> None:
    lending.apply(a_model("drifted", lending.namespace))
    revision = lending.reaches("drifted")["status"]["stable"]["revision"]
    lending.kubectl("scale", "deployment", f"drifted-{revision}", "-n", lending.namespace, "--replicas=0")
    eventually(
        lambda: lending.get("deployment", f"drifted-{revision}")["spec"]["replicas"] == 2, what="2 replicas again"
    )


def test_a_deleted_model_leaves_nothing(lending: Stage) -> None:
    lending.apply(a_model("gone", lending.namespace))
    lending.reaches("gone")
    lending.kubectl("delete", "bankmodel", "gone", "-n", lending.namespace)
    eventually(lambda: not lending.children("gone", f"{CHILDREN},pods"), what="no child is left")

    series = f'bankmodel_rollout_state{{name="gone",namespace="{lending.namespace}",state="Serving"}}'
    eventually(lambda: lending.operator.metric(series) is None, what="its series is gone")


def test_a_status_deleted_by_hand_is_rebuilt_and_nothing_moves(lending: Stage) -> None:
    lending.apply(a_model("amnesia", lending.namespace))
    revision = lending.reaches("amnesia")["status"]["stable"]["revision"]
    lending.settles(quiet_s=0.5)
    before = versions(lending, "amnesia")
    lending.lose_status("amnesia")
    rebuilt = lending.reaches("amnesia")

    assert rebuilt["status"]["stable"]["revision"] == revision
    assert versions(lending, "amnesia") == before


def test_a_pod_setting_the_apiserver_refuses_is_shown_with_its_words(lending: Stage) -> None:
    affinity: dict[str, Any] = {
        "nodeAffinity": {"requiredDuringScheduling": {"nodeSelectorTerms": []}}
    }  # no such field
    lending.apply(a_model("misspelt", lending.namespace, serving={"pod": {"affinity": affinity}}))
    condition = lending.shows("misspelt", "Stalled", "SpecInvalid")

    assert "requiredDuringScheduling" in condition["message"]


def test_a_refused_setting_that_is_corrected_leads_to_ready(lending: Stage) -> None:
    affinity: dict[str, Any] = {"nodeAffinity": {"requiredDuringScheduling": {"nodeSelectorTerms": []}}}
    lending.apply(a_model("corrected", lending.namespace, serving={"pod": {"affinity": affinity}}))
    lending.shows("corrected", "Stalled", "SpecInvalid")
    lending.apply(a_model("corrected", lending.namespace))

    lending.reaches("corrected")


def test_an_idle_operator_writes_nothing(api: ApiOnlyCluster, kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    """By the audit log, on a stage of its own: a model whose Deployment is refused is tried again now and then."""
    with stage(api, kubectl, namespace, tmp_path, BANKMODEL_RESYNC="1s") as it:
        for name in ("idle-a", "idle-b"):
            it.apply(a_model(name, namespace))
        for name in ("idle-a", "idle-b"):
            it.reaches(name)
        it.settles()
        before, passes = len(writes(it)), it.operator.passes()
        eventually(lambda: it.operator.passes() > passes + 10, what="ten more passes, by the resync")
        after = writes(it)

    assert before > 10
    assert after[before:] == []


def writes(it: Stage) -> list[Request]:
    """All but the renewals of the Lease, by which a leader says that it lives."""
    return [each for each in it.requests() if each.is_write and each.resource != "leases"]


def test_a_suspended_model_gets_its_status_and_nothing_else(lending: Stage) -> None:
    lending.apply(a_model("still", lending.namespace))
    lending.reaches("still")
    lending.settles(quiet_s=0.5)
    before = len(writes(lending))
    lending.apply(a_model("still", lending.namespace, version="2", suspend=True, owner="somebody-else"))
    eventually(lambda: lending.condition("still", "Ready").get("reason") == "Suspended", what="it says so")
    lending.settles(quiet_s=0.5)

    assert {each.resource for each in writes(lending)[before:] if each.name == "still"} == {"bankmodels/status"}
