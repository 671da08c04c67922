"""Objects of somebody else under a name the model needs: named in the status, and not touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.operator_process import eventually
from support.stage import Stage, a_model, stage

_AUTOSCALING: dict[str, Any] = {"serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}}
_FOREIGN: dict[str, dict[str, Any]] = {
    "service": {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}},
    "configmap": {"apiVersion": "v1", "kind": "ConfigMap", "data": {"theirs": "yes"}},
    "networkpolicy": {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}},
    "horizontalpodautoscaler": {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs"}, "maxReplicas": 3},
    },
}


@pytest.fixture(scope="module")
def lending(
    api: ApiOnlyCluster,
    kubectl: Callable[..., Any],
    module_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """One operator; each test has models of its own."""
    with stage(api, kubectl, module_namespace, tmp_path_factory.mktemp("names")) as it:
        yield it


def name_in(model: str, kind: str) -> str:
    return f"{model}-routing" if kind == "configmap" else model


def make(lending: Stage, model: str, kind: str) -> dict[str, Any]:
    body = {**_FOREIGN[kind], "metadata": {"name": name_in(model, kind), "namespace": lending.namespace}}
    lending.kubectl("create", "-f", "-", body=body)
    return theirs(lending, model, kind)


def theirs(lending: Stage, model: str, kind: str) -> dict[str, Any]:
    """All of the object that we might have changed; its own controller may write its status."""
    found = lending.get(kind, name_in(model, kind))
    metadata = {key: found["metadata"].get(key) for key in ("uid", "labels", "annotations", "ownerReferences")}
    return {**metadata, **{key: value for key, value in found.items() if key not in ("metadata", "status")}}


@pytest.mark.parametrize("kind", _FOREIGN)
def test_a_taken_name_stalls_the_model_and_nothing_is_touched(lending: Stage, kind: str) -> None:
    model = f"taken-{kind}"[:40]
    before = make(lending, model, kind)
    lending.apply(a_model(model, lending.namespace, **_AUTOSCALING))
    condition = lending.shows(model, "Stalled", "NameTaken")

    assert before["kind"] in condition["message"]
    assert name_in(model, kind) in condition["message"]
    assert lending.children(model) == []
    assert theirs(lending, model, kind) == before


def test_a_name_that_becomes_free_is_taken_up(lending: Stage) -> None:
    make(lending, "freed", "service")
    lending.apply(a_model("freed", lending.namespace))
    lending.shows("freed", "Stalled", "NameTaken")
    lending.kubectl("delete", "service", "freed", "-n", lending.namespace)

    lending.reaches("freed")


def test_an_autoscaler_under_the_name_of_a_serving_model_leaves_it_serving(lending: Stage) -> None:
    lending.apply(a_model("served", lending.namespace))
    revision = lending.reaches("served")["status"]["stable"]["revision"]
    before = make(lending, "served", "horizontalpodautoscaler")
    lending.apply(a_model("served", lending.namespace, **_AUTOSCALING))
    lending.shows("served", "Stalled", "NameTaken")

    assert lending.condition("served", "Available")["status"] == "True"
    assert lending.get("service", "served")["spec"]["selector"]["serving.bankmodel.io/revision"] == revision
    assert theirs(lending, "served", "horizontalpodautoscaler") == before


def test_a_namesake_waits_for_the_leftovers_of_a_deleted_model(lending: Stage) -> None:
    lending.apply(a_model("again", lending.namespace))
    first = lending.reaches("again")
    finalizers('["test.example/hold"]', lending)
    lending.kubectl("delete", "bankmodel", "again", "-n", lending.namespace)
    lending.apply(a_model("again", lending.namespace))
    lending.shows("again", "Reconciling", "WaitingForLeftovers")
    owners = {child["metadata"]["ownerReferences"][0]["uid"] for child in lending.children("again")}
    finalizers("null", lending)
    # The garbage collector looks for new kinds every 30 s: on a young cluster it does not know ours before.
    second = lending.reaches("again", deadline_s=90)

    assert owners == {first["metadata"]["uid"]}
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    eventually(
        lambda: (
            {child["metadata"]["ownerReferences"][0]["uid"] for child in lending.children("again")}
            == {second["metadata"]["uid"]}
        ),
        what="only children of the second are left",
    )


def finalizers(value: str, lending: Stage) -> None:
    """Keep the stable Service of `again` from going, or let it go."""
    patch = f'{{"metadata": {{"finalizers": {value}}}}}'
    lending.kubectl("patch", "service", "again", "-n", lending.namespace, "--type=merge", "-p", patch)
