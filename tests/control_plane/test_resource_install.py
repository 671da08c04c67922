"""The manifests as an administrator applies them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bankmodel_operator.api.v1alpha1 import BankModel
from support.bankmodels import a_bankmodel
from support.kubectl import Kubectl

_MANIFESTS = Path(__file__).parents[2] / "manifests"
_CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def _built(kubectl: Kubectl, overlay: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(kubectl("kustomize", str(_MANIFESTS / overlay)).stdout))


def _one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


@pytest.mark.parametrize("overlay", ["base", "namespaced"])
def test_overlay_is_taken_by_the_api_server(overlay: str, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "lending", check=False)

    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(_MANIFESTS / overlay))


def test_namespaced_overlay_has_no_cluster_wide_rights(kubectl: Kubectl) -> None:
    assert not _CLUSTER_SCOPED & {each["kind"] for each in _built(kubectl, "namespaced")}


def test_removing_the_operator_leaves_the_definition(kubectl: Kubectl) -> None:
    assert "CustomResourceDefinition" not in {each["kind"] for each in _built(kubectl, "base")}


def test_namespaced_overlay_watches_where_it_has_rights(kubectl: Kubectl) -> None:
    objects = _built(kubectl, "namespaced")
    roles = {each["metadata"]["namespace"] for each in objects if each["kind"] == "Role"}

    assert roles - {"bankmodel-system"} == set(_one(objects, "ConfigMap")["data"]["BANKMODEL_NAMESPACES"].split(","))


def test_operators_pod_is_restricted(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(_MANIFESTS / "base"))
    template = _one(_built(kubectl, "base"), "Deployment")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "by-hand", "namespace": "bankmodel-system"}

    kubectl("create", "--dry-run=server", "-f", "-", body=pod)


def test_operator_mounts_its_settings_by_their_built_name(kubectl: Kubectl) -> None:
    objects = _built(kubectl, "base")
    (container,) = _one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]

    assert _one(objects, "ConfigMap")["metadata"]["name"] == container["envFrom"][0]["configMapRef"]["name"]


def test_reader_and_api_server_fill_in_the_same_defaults(kubectl: Kubectl, namespace: str) -> None:
    written = a_bankmodel(namespace=namespace)
    kubectl("create", "-f", "-", body=written)

    live = kubectl.read("get", "bm", "mortgage-approval", "-n", namespace)

    assert BankModel.model_validate(live).spec == BankModel.model_validate(written).spec
