"""Which children exist in which state, how many pods each revision gets, and what the pods are told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bankmodel_operator.core.desired import Written, desired_children, replicas_of
from bankmodel_operator.core.ledger import Ledger
from bankmodel_operator.core.observation import ClusterFacts, CoreSettings, Manifest, Observation
from bankmodel_operator.core.revision import inputs_of, name_of
from bankmodel_operator.core.states import (
    Draining,
    NotUnderstood,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Unseen,
)
from support.simulated_cluster import Simulation

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SETTINGS = CoreSettings("registry.example/serving:1", "bankmodel-system", ("monitoring",))
OLD = Revision("0000000000", "1", "1b7e", "registry.example/serving:1", NOW)
BOTH = {"ControllerRevision": 2, "Deployment": 2, "Service": 3, "PodDisruptionBudget": 2}
ONE = {"ControllerRevision": 1, "Deployment": 1, "Service": 2, "PodDisruptionBudget": 1}
EVERY = {"ConfigMap": 1, "NetworkPolicy": 1}


def asked(simulation: Simulation) -> Revision:
    spec = simulation.observe().model.spec
    return Revision(name_of(inputs_of(spec)), spec.model.version, spec.model.sha256, "registry.example/serving:1", NOW)


def with_an_old_record(simulation: Simulation, revision: str = OLD.revision) -> Observation:
    """What there is of the model, and a record that an earlier operator made."""
    metadata = {
        "name": "mortgage-approval-0000000000",
        "labels": {"serving.bankmodel.io/revision": revision},
        "uid": "old",
        "resourceVersion": "1",
    }
    data = {"inputs": {}, "image": OLD.image, "template": {"spec": {"containers": [{"name": "serving"}]}}}
    record = {"kind": "ControllerRevision", "metadata": metadata, "revision": 1, "data": data}
    return replace(simulation.observe(), owned=(record,))


def children(state: State, **spec: Any) -> tuple[Manifest, ...]:
    return desired_children(state, with_an_old_record(Simulation(**spec)), SETTINGS, Written(7, Ledger()), NOW)


def count(manifests: tuple[Manifest, ...]) -> dict[str, int]:
    kinds = [each["kind"] for each in manifests]
    return {kind: kinds.count(kind) for kind in kinds}


NEW = asked(Simulation())
PROGRESSING = Progressing(OLD, NEW, capacity=3)
DRAINING = Draining(NEW, OLD.revision, capacity=3, since=NOW, until=NOW)
STATES: dict[str, tuple[State, dict[str, int]]] = {
    "unseen": (Unseen(), {}),
    "not understood": (NotUnderstood("Stepping"), {}),
    "starting": (Starting(NEW), {**ONE, **EVERY, "ControllerRevision": 2}),
    "serving": (Serving(NEW), {**ONE, **EVERY, "ControllerRevision": 2}),
    "progressing": (PROGRESSING, {**BOTH, **EVERY}),
    "draining": (DRAINING, {**BOTH, **EVERY}),
}


@pytest.mark.parametrize(("state", "wanted"), STATES.values(), ids=STATES)
def test_a_state_has_just_these_children(state: State, wanted: dict[str, int]) -> None:
    assert wanted == count(children(state))


SIZES: dict[str, tuple[State, int, dict[str, int]]] = {
    "unseen": (Unseen(), 2, {}),
    "not understood": (NotUnderstood("Stepping"), 2, {}),
    "starting": (Starting(NEW), 2, {NEW.revision: 2}),
    "serving": (Serving(NEW), 2, {NEW.revision: 2}),
    "progressing, scaled down meanwhile": (PROGRESSING, 1, {OLD.revision: 3, NEW.revision: 3}),
    "progressing, scaled up meanwhile": (PROGRESSING, 5, {OLD.revision: 5, NEW.revision: 5}),
    "draining, scaled down meanwhile": (DRAINING, 1, {NEW.revision: 3, OLD.revision: 3}),
    "draining, scaled up meanwhile": (DRAINING, 5, {NEW.revision: 5, OLD.revision: 3}),
}


@pytest.mark.parametrize(("state", "replicas", "wanted"), SIZES.values(), ids=SIZES)
def test_no_revision_that_answers_shrinks_while_a_change_is_under_way(
    state: State, replicas: int, wanted: dict[str, int]
) -> None:
    assert wanted == replicas_of(state, replicas)


TOLD: dict[str, tuple[State, str | None, list[str]]] = {
    "starting": (Starting(NEW), None, []),
    "serving": (Serving(NEW), NEW.revision, []),
    "progressing": (PROGRESSING, OLD.revision, []),
    "draining": (DRAINING, NEW.revision, [OLD.revision]),
}


@pytest.mark.parametrize(("state", "stable", "superseded"), TOLD.values(), ids=TOLD)
def test_the_table_tells_each_pod_its_role(state: State, stable: str | None, superseded: list[str]) -> None:
    (configmap,) = (each for each in children(state, purpose="Approve or refer") if each["kind"] == "ConfigMap")

    assert json.loads(configmap["data"]["table.json"]) == {
        "apiVersion": "serving.bankmodel.io/routing.v1",
        "generation": 7,
        "model": "mortgage-approval",
        "owner": "mortgage-risk",
        "purpose": "Approve or refer",
        "stable": stable,
        "superseded": superseded,
        "tier": "High",
    }


def test_a_revision_from_before_there_were_workers_keeps_its_pods() -> None:
    simulation = Simulation(serving={"resources": {"requests": {"cpu": "2"}}})
    same = asked(simulation)
    manifests = desired_children(
        Serving(same), with_an_old_record(simulation, same.revision), SETTINGS, Written(7, Ledger()), NOW
    )
    pods = [each["spec"]["template"]["spec"]["containers"] for each in manifests if each["kind"] == "Deployment"]

    assert [[{"name": "serving"}]] == pods


def test_a_single_pod_has_no_budget_that_would_block_a_node_drain() -> None:
    found = desired_children(
        Serving(NEW), Simulation(serving={"replicas": 1}).observe(), SETTINGS, Written(1, Ledger()), NOW
    )

    assert "PodDisruptionBudget" not in count(found)


def test_children_are_written_in_an_order_that_never_sends_callers_ahead() -> None:
    kinds = [each["kind"] for each in children(DRAINING)]
    services = [number for number, kind in enumerate(kinds) if kind == "Service"]

    assert kinds.index("ControllerRevision") < kinds.index("ConfigMap") < kinds.index("Deployment") < services[-1]
    assert children(DRAINING)[services[-1]]["metadata"]["name"] == "mortgage-approval"


def test_an_autoscaler_scales_the_model_and_never_a_deployment() -> None:
    autoscaling = {"minReplicas": 2, "maxReplicas": 6}
    (found,) = (
        each
        for each in children(Serving(NEW), serving={"autoscaling": autoscaling})
        if each["kind"] == "HorizontalPodAutoscaler"
    )

    assert found["spec"]["scaleTargetRef"]["kind"] == "BankModel"
    assert (2, 6) == (found["spec"]["minReplicas"], found["spec"]["maxReplicas"])


SCRAPED: dict[str, tuple[str, bool, tuple[bool, bool]]] = {
    "auto with the kind": ("Auto", True, (True, False)),
    "auto without it": ("Auto", False, (False, True)),
    "monitor with the kind": ("PodMonitor", True, (True, False)),
    "monitor without it": ("PodMonitor", False, (False, False)),
    "annotations beside the kind": ("Annotations", True, (False, True)),
    "disabled": ("Disabled", True, (False, False)),
}


@pytest.mark.parametrize(("scrape", "is_known", "wanted"), SCRAPED.values(), ids=SCRAPED)
def test_each_pod_is_scraped_once_at_most(scrape: str, is_known: bool, wanted: tuple[bool, bool]) -> None:
    simulation = Simulation(monitoring={"scrape": scrape})
    simulation.facts = ClusterFacts(pod_monitor=is_known)

    found = desired_children(Serving(NEW), simulation.observe(), SETTINGS, Written(1, Ledger()), NOW)
    annotated = [
        each["metadata"]["name"] for each in found if "prometheus.io/scrape" in each["metadata"].get("annotations", {})
    ]

    assert wanted == ("PodMonitor" in count(found), bool(annotated))
    assert annotated in ([], [f"mortgage-approval-{NEW.revision}"])


def test_every_child_is_owned_and_labelled() -> None:
    for child in children(DRAINING):
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("BankModel", "model-uid", True)
        assert child["metadata"]["labels"]["serving.bankmodel.io/owner"] == "mortgage-risk"
        assert child["metadata"]["labels"]["serving.bankmodel.io/tier"] == "High"
