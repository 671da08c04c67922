"""Every name, label and key the operator uses, built here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GROUP = "serving.bankmodel.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "BankModel"
PLURAL = "bankmodels"
SHORT_NAME = "bm"
CATEGORY = "bankmodel"
FIELD_MANAGER = "bankmodel-operator"

LABEL_MODEL = f"{GROUP}/model"
LABEL_REVISION = f"{GROUP}/revision"
LABEL_OWNER = f"{GROUP}/owner"
LABEL_TIER = f"{GROUP}/tier"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"

ANNOTATION_PURPOSE = f"{GROUP}/purpose"
ANNOTATION_APPLIED = f"{GROUP}/applied"
ANNOTATION_FENCE = f"{GROUP}/fence"
ANNOTATION_ROUTING_GENERATION = f"{GROUP}/routing-generation"

ANNOTATION_REJECTED = f"{GROUP}/rejected"
ANNOTATION_BAKED = f"{GROUP}/baked"
ANNOTATION_ABORT = f"{GROUP}/abort"
ANNOTATION_PROMOTE = f"{GROUP}/promote"
ANNOTATION_PAUSED = f"{GROUP}/paused"

PORT_HTTP = 8080
PORT_GRPC = 9000
PORT_HTTPS = 8443
PORT_PEER = 8082
PORT_METRICS = 9090

CONTAINER_SERVING = "serving"
CONTAINER_FETCH = "fetch"
MODEL_FOLDER = "/model"
SOURCE_FOLDER = "/source"
ROUTING_FOLDER = "/etc/bankmodel/routing"
TLS_FOLDER = "/etc/bankmodel/tls"
CLIENT_CA_FOLDER = "/etc/bankmodel/client-ca"
ROUTING_KEY = "table.json"
EVIDENCE_KEY = "window.json"
ROUTING_API_VERSION = f"{GROUP}/routing.v1"
SOURCE_ENV_PREFIX = "BANKMODEL_SOURCE_"
CA_BUNDLE_ENV = "BANKMODEL_CA_BUNDLE"
CA_BUNDLE_KEY = "ca.crt"


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """One object in the model's namespace. Two versions of one group are the same object."""

    api_version: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def ref_of(manifest: Mapping[str, Any]) -> ObjectRef:
    return ObjectRef(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"])


def revision_object(model: str, revision: str) -> str:
    """Name of the ControllerRevision, Deployment, Service and PDB of one revision."""
    return f"{model}-{revision}"


def evidence_configmap(model: str) -> str:
    return f"{model}-evidence"


def routing_configmap(model: str) -> str:
    return f"{model}-routing"


def url(model: str, namespace: str, scheme: str = "http") -> str:
    """The address callers use, for the life of the model."""
    return f"{scheme}://{model}.{namespace}.svc/v2/models/{model}/infer"


def pod_labels(model: str, revision: str) -> dict[str, str]:
    """Labels of a pod: without owner and tier, so that changing those restarts nothing."""
    return {**_common(model), LABEL_REVISION: revision}


def child_labels(model: str, owner: str, tier: str) -> dict[str, str]:
    return {**_common(model), LABEL_OWNER: owner, LABEL_TIER: tier}


def selector(model: str, revision: str) -> dict[str, str]:
    """What selects the pods of one revision; immutable once in a Deployment."""
    return {LABEL_MODEL: model, LABEL_REVISION: revision}


def _common(model: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "bankmodel-serving",
        "app.kubernetes.io/instance": model,
        "app.kubernetes.io/component": "serving",
        "app.kubernetes.io/part-of": "bankmodel",
        LABEL_MANAGED_BY: FIELD_MANAGER,
        LABEL_MODEL: model,
    }
