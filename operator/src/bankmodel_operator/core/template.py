"""The pod template of a revision: rendered once, recorded in its ControllerRevision, and kept for its life.

A change here reaches new revisions only, so that an upgraded operator restarts no model pod.
Nothing that depends on the cluster goes in, and nothing outside the revision inputs and the resolved image.
"""

from __future__ import annotations

from typing import Any

from bankmodel_operator.api.quantity import amount
from bankmodel_operator.api.v1alpha1 import MAX_WORKERS, BankModelSpec, ModelFile, Pod, Serving
from bankmodel_operator.core import names
from bankmodel_operator.core.ports import ON_POD, asked_ports
from bankmodel_operator.core.source import fetch_container, model_path, source_volumes
from bankmodel_operator.core.tls import tls_arguments, tls_mounts, tls_volumes

USER = 65532
"""The user of the distroless images; owns nothing on the node."""
STARTUP_TRIES = 300
"""Seconds a model may take to load before the kubelet restarts it; the progress deadline speaks up earlier."""


def pod_template(spec: BankModelSpec, *, model: str, revision: str, image: str) -> dict[str, Any]:
    """The template for this spec under this revision name, with the serving image resolved."""
    pod, labels = spec.serving.pod, names.pod_labels(model, revision)
    metadata: dict[str, Any] = {"labels": {**pod.labels, **labels}}
    if pod.annotations:
        metadata["annotations"] = dict(pod.annotations)
    fetch = fetch_container(spec.model, image=image, common=_container_settings(spec))
    return {
        "metadata": metadata,
        "spec": {
            **({"initContainers": [fetch]} if fetch else {}),
            "containers": [_serving_container(spec, model=model, revision=revision, image=image)],
            "volumes": [*_volumes(spec.model, model), *tls_volumes(spec.serving.tls)],
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": pod.termination_grace_period_seconds,
            "securityContext": _pod_security(),
            "topologySpreadConstraints": _spread(pod, model, revision),
            **_as_asked(pod),
        },
    }


def _serving_container(spec: BankModelSpec, *, model: str, revision: str, image: str) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": names.CONTAINER_SERVING,
        "image": image,
        "command": ["bankmodel-serving"],
        "args": [*_arguments(spec, model, revision), *tls_arguments(spec.serving.tls)],
        "ports": [
            *(_port(name, ON_POD[name]) for name in asked_ports(spec)),
            _port("peer", names.PORT_PEER),
            _port("metrics", names.PORT_METRICS),
        ],
        "startupProbe": _probe("/readyz", period=1, failures=STARTUP_TRIES),
        "readinessProbe": _probe("/readyz", period=1, failures=2),
        "livenessProbe": _probe("/livez", period=10, failures=3),
        "volumeMounts": [
            {"name": "model", "mountPath": names.MODEL_FOLDER, "readOnly": True},
            {"name": "routing", "mountPath": names.ROUTING_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            *tls_mounts(spec.serving.tls),
        ],
        **_container_settings(spec),
    }
    if spec.serving.pod.env:
        container["env"] = [each.model_dump(mode="json", exclude_defaults=True) for each in spec.serving.pod.env]
    return container


def _arguments(spec: BankModelSpec, model: str, revision: str) -> list[str]:
    file, workers = spec.model, _workers(spec.serving)
    pairs = {
        "--model": model_path(file.source),
        "--name": model,
        "--sha256": file.sha256,
        "--model-version": file.version,
        "--revision": revision,
        "--routing": f"{names.ROUTING_FOLDER}/{names.ROUTING_KEY}",
        "--peer-port": str(names.PORT_PEER),
        **({"--grpc-port": str(names.PORT_GRPC)} if "grpc" in asked_ports(spec) else {}),
        **({"--workers": str(workers)} if workers > 1 else {}),  # a serving image from before knows no such flag
    }
    return [word for pair in pairs.items() for word in pair]


def _workers(serving: Serving) -> int:
    """As asked; else one for each whole core that is set aside for the pod, never for those the node has."""
    if serving.workers is not None:
        return serving.workers
    resources = serving.resources
    cpu = resources.requests.get("cpu") or resources.limits.get("cpu") or "0"  # Kubernetes takes the limit as request
    return min(max(1, int(amount(cpu))), MAX_WORKERS)


def _container_settings(spec: BankModelSpec) -> dict[str, Any]:
    resources = spec.serving.resources.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _pod_security() -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    get = {"path": path, "port": "metrics", "scheme": "HTTP"}
    return {"httpGet": get, "periodSeconds": period, "timeoutSeconds": 1, "failureThreshold": failures}


def _volumes(file: ModelFile, model: str) -> list[dict[str, Any]]:
    # optional: a pod starts without the table ("alone") and picks it up when it is there
    table = {"name": names.routing_configmap(model), "optional": True}
    return [*source_volumes(file.source), {"name": "routing", "configMap": table}, {"name": "tmp", "emptyDir": {}}]


def _spread(pod: Pod, model: str, revision: str) -> list[dict[str, Any]]:
    own_pods = {"matchLabels": names.selector(model, revision)}
    if pod.topology_spread_constraints:
        asked = (
            each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in pod.topology_spread_constraints
        )
        return [{"labelSelector": own_pods, **_without_empty(each)} for each in asked]
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": own_pods}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _as_asked(pod: Pod) -> dict[str, Any]:
    """Settings passed on as written, where written."""
    asked = pod.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    passed_on = (
        "nodeSelector",
        "affinity",
        "tolerations",
        "priorityClassName",
        "imagePullSecrets",
        "serviceAccountName",
    )
    return {key: asked[key] for key in passed_on if asked.get(key)}


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in value.items() if each not in ([], ())}
