"""The pod a revision runs in: restricted, without rights, ready only when it says so, and given time to stop."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.template import pod_template
from support.bankmodels import DIGEST, a_bankmodel

IMAGE = "registry.example/bankmodel-serving:1"
SOURCES: dict[str, dict[str, Any]] = {
    "image": {"image": {"reference": "registry.example/m:1", "path": "models/m.onnx"}},
    "http": {"image": None, "http": {"url": "https://m.example/m.onnx"}},
    "s3": {"image": None, "s3": {"bucket": "models", "key": "m.onnx"}},
    "volume": {"image": None, "volume": {"claimName": "models", "path": "m.onnx"}},
}


def template(**spec: Any) -> dict[str, Any]:
    model = BankModel.model_validate(a_bankmodel(**spec))
    return pod_template(model.spec, model="mortgage", revision="3f8a02c61d", image=IMAGE)


def of_source(kind: str) -> dict[str, Any]:
    return template(model={"source": SOURCES[kind]})


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def serving(pod: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in pod["spec"]["containers"] if each["name"] == "serving")


@pytest.mark.parametrize("source", SOURCES)
def test_every_container_meets_the_restricted_standard(source: str) -> None:
    pod = of_source(source)
    whole = pod["spec"]["securityContext"]

    assert whole["runAsNonRoot"] is True
    assert whole["runAsUser"] > 0
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("source", SOURCES)
def test_only_volumes_of_the_restricted_standard_are_mounted(source: str) -> None:
    allowed = {"configMap", "emptyDir", "image", "persistentVolumeClaim"}
    pod = of_source(source)
    volumes = {volume["name"]: set(volume) - {"name"} for volume in pod["spec"]["volumes"]}
    mounted = {mount["name"] for container in containers(pod) for mount in container["volumeMounts"]}

    assert set().union(*volumes.values()) <= allowed
    assert mounted == set(volumes)


def test_no_token_is_mounted_even_for_an_account_that_was_asked_for() -> None:
    spec = template(serving={"pod": {"serviceAccountName": "robot"}})["spec"]

    assert spec["serviceAccountName"] == "robot"
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize("source", SOURCES)
def test_the_file_is_checked_against_the_digest_where_it_is_fetched_and_where_it_is_loaded(source: str) -> None:
    for container in containers(of_source(source)):
        arguments = container["args"]
        assert arguments[arguments.index("--sha256") + 1] == DIGEST


PATHS = {
    "image": "/model/models/m.onnx",
    "http": "/model/model.onnx",
    "s3": "/model/model.onnx",
    "volume": "/model/model.onnx",
}


@pytest.mark.parametrize(("source", "path"), PATHS.items(), ids=PATHS)
def test_the_container_loads_the_file_from_where_the_source_leaves_it(source: str, path: str) -> None:
    arguments = serving(of_source(source))["args"]

    assert path == arguments[arguments.index("--model") + 1]


WORKERS: dict[str, tuple[dict[str, Any], str | None]] = {
    "as by default": ({}, None),
    "less than two cores": ({"resources": {"requests": {"cpu": "1999m"}}}, None),
    "two cores": ({"resources": {"requests": {"cpu": "2"}}}, "2"),
    "whole cores count": ({"resources": {"requests": {"cpu": "3900m"}, "limits": {"cpu": "8"}}}, "3"),
    "a limit without a request is the request": ({"resources": {"limits": {"cpu": 4}}}, "4"),
    "no CPU named": ({"resources": {"limits": {"memory": "1Gi"}}}, None),
    "more than a pod may have": ({"resources": {"requests": {"cpu": "64"}}}, "16"),
    "as asked": ({"workers": 4}, "4"),
    "one, though there are cores": ({"workers": 1, "resources": {"requests": {"cpu": "4"}}}, None),
}


@pytest.mark.parametrize(("asked", "workers"), WORKERS.values(), ids=WORKERS)
def test_a_pod_gets_a_worker_for_each_core_set_aside_for_it(asked: dict[str, Any], workers: str | None) -> None:
    arguments = serving(template(serving=asked))["args"]

    assert workers == (arguments[arguments.index("--workers") + 1] if "--workers" in arguments else None)


def test_an_image_needs_no_container_to_fetch_it() -> None:
    assert [each["name"] for each in containers(of_source("image"))] == ["serving"]


FETCHED = {
    "http": ["--http", "https://m.example/m.onnx"],
    "s3": ["--s3", "models/m.onnx"],
    "volume": ["--file", "/source/m.onnx"],
}


@pytest.mark.parametrize(("source", "origin"), FETCHED.items(), ids=FETCHED)
def test_a_file_is_fetched_from_its_source(source: str, origin: list[str]) -> None:
    fetch = containers(of_source(source))[0]

    assert fetch["name"] == "fetch"
    assert fetch["args"][-2:] == origin


def test_credentials_and_authorities_come_by_reference_and_only_into_the_fetch() -> None:
    http = {"url": "https://m.example/m", "secretRef": {"name": "creds"}, "caBundleRef": {"name": "bank-ca"}}
    fetch, loaded = containers(template(model={"source": {"image": None, "http": http}}))

    assert fetch["envFrom"] == [{"prefix": "BANKMODEL_SOURCE_", "secretRef": {"name": "creds"}}]
    assert fetch["env"][0]["valueFrom"]["configMapKeyRef"] == {"name": "bank-ca", "key": "ca.crt"}
    assert "envFrom" not in loaded


PROBES = {
    "startupProbe": ("/readyz", 1, 300),
    "readinessProbe": ("/readyz", 1, 2),
    "livenessProbe": ("/livez", 10, 3),
}


@pytest.mark.parametrize(("probe", "wanted"), PROBES.items(), ids=PROBES)
def test_a_probe_asks_the_metrics_port(probe: str, wanted: tuple[str, int, int]) -> None:
    found = serving(template())[probe]

    assert wanted == (found["httpGet"]["path"], found["periodSeconds"], found["failureThreshold"])
    assert found["httpGet"]["port"] == "metrics"


def test_ports_have_names_that_services_refer_to() -> None:
    ports = {each["name"]: each["containerPort"] for each in serving(template())["ports"]}

    assert ports == {"http": 8080, "grpc": 9000, "peer": 8082, "metrics": 9090}


def test_a_pod_listens_on_the_grpc_port_that_it_declares() -> None:
    arguments = serving(template())["args"]

    assert "9000" == arguments[arguments.index("--grpc-port") + 1]


def test_a_pod_gets_the_time_to_stop_that_was_asked_for() -> None:
    asked = template(serving={"pod": {"terminationGracePeriodSeconds": 60}})

    assert template()["spec"]["terminationGracePeriodSeconds"] == 30
    assert asked["spec"]["terminationGracePeriodSeconds"] == 60


def test_pods_spread_over_zones_and_nodes_without_being_held_back() -> None:
    spread = template()["spec"]["topologySpreadConstraints"]

    assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert {each["whenUnsatisfiable"] for each in spread} == {"ScheduleAnyway"}


def test_a_spread_that_was_asked_for_counts_this_revision_alone() -> None:
    asked = {"maxSkew": 2, "topologyKey": "example.com/rack", "whenUnsatisfiable": "DoNotSchedule"}

    (spread,) = template(serving={"pod": {"topologySpreadConstraints": [asked]}})["spec"]["topologySpreadConstraints"]

    assert asked == {key: spread[key] for key in asked}
    assert spread["labelSelector"]["matchLabels"]["serving.bankmodel.io/revision"] == "3f8a02c61d"


def test_both_containers_get_the_resources() -> None:
    resources = {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
    spec = {"serving": {"resources": resources}, "model": {"source": SOURCES["http"]}}

    assert [resources, resources] == [each["resources"] for each in containers(template(**spec))]


def test_the_default_resources_are_written_out() -> None:
    resources = serving(template())["resources"]

    assert resources == {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}}


PASSED_ON: dict[str, Any] = {
    "nodeSelector": {"disk": "ssd"},
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
    "tolerations": [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}],
    "priorityClassName": "serving",
    "imagePullSecrets": [{"name": "pull"}],
    "serviceAccountName": "robot",
}


@pytest.mark.parametrize(("field", "value"), PASSED_ON.items(), ids=PASSED_ON)
def test_a_pod_setting_is_passed_on_as_written(field: str, value: Any) -> None:
    assert value == template(serving={"pod": {field: value}})["spec"][field]
    assert field not in template()["spec"]


def test_a_label_of_the_user_does_not_stand_above_ours() -> None:
    labels = template(serving={"pod": {"labels": {"bank.example/desk": "mortgage"}}})["metadata"]["labels"]

    assert labels["bank.example/desk"] == "mortgage"
    assert labels["serving.bankmodel.io/model"] == "mortgage"


WITHOUT_EFFECT: dict[str, dict[str, Any]] = {
    "owner": {"owner": "retail-risk"},
    "tier": {"tier": "Low"},
    "purpose": {"purpose": "Approve or refer"},
    "replicas": {"serving": {"replicas": 9}},
    "callers": {"serving": {"callers": []}},
    "monitoring": {"monitoring": {"scrape": "PodMonitor"}},
}


@pytest.mark.parametrize("spec", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT)
def test_what_is_not_in_the_revision_is_not_in_the_pod(spec: dict[str, Any]) -> None:
    assert template() == template(**spec)
