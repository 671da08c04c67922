"""What a pass makes of odd objects: one of ours without its label, and a spec that cannot be read."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bankmodel_operator.api.v1alpha1 import PrometheusQuery
from bankmodel_operator.cluster.client import Api
from bankmodel_operator.cluster.discovery import Discovery
from bankmodel_operator.cluster.errors import NotServed, Unreadable, raised
from bankmodel_operator.cluster.events import Recorder
from bankmodel_operator.cluster.observe import observe
from bankmodel_operator.cluster.resources import Ref, Resource
from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.core.observation import ClusterFacts, CoreSettings, Report
from bankmodel_operator.reconcile import Reconciler
from bankmodel_operator.telemetry.metrics import Metrics
from support.bankmodels import a_bankmodel
from support.simulated_pods import a_pod_status

KEY = ("lending", "mortgage-approval")
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


class ReadOnlyCluster:
    """Objects by kind and name; finds by name what has lost its label, and keeps what is put."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        self._objects = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        self.puts: list[dict[str, Any]] = []

    async def get(self, ref: Ref) -> dict[str, Any] | None:
        return copy.deepcopy(self._objects.get((ref.resource.kind, ref.name)))

    async def list(self, resource: Resource, namespace: str = "", selector: str = "") -> tuple[dict[str, Any], ...]:
        return ()

    async def put(self, body: dict[str, Any], subresource: str = "") -> dict[str, Any]:
        self.puts.append(body)
        self._objects[body["kind"], body["metadata"]["name"]] = body
        return body


class WithoutItsKinds(ReadOnlyCluster):
    """An API server that has just dropped a kind: whatever is created finds nobody."""

    async def create(self, body: dict[str, Any]) -> None:
        raise raised("create", body["kind"], 404, {"message": "404 page not found"})


class DeletedMeanwhile(ReadOnlyCluster):
    """The model goes while a pass looks for its children; in its place there may be another of that name."""

    def __init__(self, *objects: dict[str, Any], successor: str) -> None:
        super().__init__(*objects)
        self._successor = successor

    async def list(self, resource: Resource, namespace: str = "", selector: str = "") -> tuple[dict[str, Any], ...]:
        model = self._objects.pop(("BankModel", KEY[1]), None)
        if model is not None and self._successor:
            self._objects["BankModel", KEY[1]] = {**model, "metadata": {**model["metadata"], "uid": self._successor}}
        return ()


class NoFacts:
    def __init__(self) -> None:
        self.invalidated = 0

    async def facts(self) -> ClusterFacts:
        return ClusterFacts()

    def invalidate(self) -> None:
        self.invalidated += 1


class WithAReadyPod(ReadOnlyCluster):
    async def list(self, resource: Resource, namespace: str = "", selector: str = "") -> tuple[dict[str, Any], ...]:
        return ({"metadata": {"name": "pod-1"}, "status": a_pod_status(ready=True)},) if resource.kind == "Pod" else ()


async def nobody(addresses: Mapping[str, str], *, describe: Collection[str] = ()) -> Mapping[str, Report]:
    return {}


async def no_query(queries: Mapping[str, PrometheusQuery], at: datetime) -> Mapping[str, Answer]:
    return {}


def a_model(**spec: Any) -> dict[str, Any]:
    model = a_bankmodel(**spec)
    model["metadata"] |= {"uid": "model-uid", "generation": 3, "resourceVersion": "1"}
    return model


def a_service(uid: str) -> dict[str, Any]:
    owner = {"kind": "BankModel", "name": KEY[1], "uid": uid, "controller": True}
    metadata = {"name": KEY[1], "namespace": KEY[0], "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata}


OWNERS = {"ours": ("model-uid", 1, 0), "of somebody else": ("other-uid", 0, 1)}


@pytest.mark.parametrize(("uid", "owned", "foreign"), OWNERS.values(), ids=OWNERS)
async def test_an_object_without_our_label_is_told_by_its_owner(uid: str, owned: int, foreign: int) -> None:
    api = cast(Api, ReadOnlyCluster(a_model(), a_service(uid)))

    found = await observe(api, KEY, facts=ClusterFacts(), ask=nobody)

    assert found is not None
    assert (owned, foreign) == (len(found[1].owned), len(found[1].foreign))


@pytest.mark.parametrize(
    ("serving", "asked"), [({}, {}), ({"tls": {"secretName": "s"}}, {"pod-1": "10.1.0.7"})], ids=["plain", "tls"]
)
async def test_pods_with_tls_are_asked_though_they_are_ready(serving: dict[str, Any], asked: dict[str, str]) -> None:
    told: dict[str, str] = {}

    async def ask(addresses: Mapping[str, str], *, describe: Collection[str] = ()) -> Mapping[str, Report]:
        told.update(addresses)
        return {}

    await observe(cast(Api, WithAReadyPod(a_model(serving=serving))), KEY, facts=ClusterFacts(), ask=ask)

    assert asked == told


@pytest.mark.parametrize("successor", ["", "another-uid"], ids=["gone", "made anew"])
async def test_children_of_a_model_that_went_meanwhile_are_not_made_anew(successor: str) -> None:
    cluster = DeletedMeanwhile(a_model(), successor=successor)

    assert await observe(cast(Api, cluster), KEY, facts=ClusterFacts(), ask=nobody) is None


def a_pass(cluster: ReadOnlyCluster, facts: NoFacts) -> Reconciler:
    return Reconciler(
        cast(Api, cluster),
        settings=CoreSettings("registry.example/serving:1", "bankmodel-system"),
        discovery=cast(Discovery, facts),
        ask=nobody,
        query=no_query,
        recorder=Recorder(cast(Api, cluster), controller="bankmodel", instance="one"),
        metrics=Metrics(),
        now=lambda: NOW,
    )


async def test_a_spec_that_cannot_be_read_shows_in_the_status_and_is_written_once() -> None:
    cluster = ReadOnlyCluster(a_model(tier="Gigantic"))
    one_pass = a_pass(cluster, NoFacts())
    for _ in range(2):
        with pytest.raises(Unreadable):
            await one_pass(KEY)

    (saved,) = cluster.puts
    stalled = next(each for each in saved["status"]["conditions"] if each["type"] == "Stalled")

    assert (stalled["status"], stalled["reason"]) == ("True", "SpecInvalid")
    assert "tier" in stalled["message"]


async def test_a_kind_that_is_gone_makes_the_next_pass_read_what_the_cluster_offers() -> None:
    facts = NoFacts()
    with pytest.raises(NotServed):
        await a_pass(WithoutItsKinds(a_model()), facts)(KEY)

    assert facts.invalidated == 1
