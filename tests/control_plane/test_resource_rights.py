"""What the shipped roles let the operator and users do, asked of the real API server's own authorizer."""

import time
from pathlib import Path

import pytest

from cluster.api_only import ApiOnlyCluster
from support.kubectl import Kubectl
from support.rights import NEEDED, Right

_BASE = str(Path(__file__).parents[2] / "manifests" / "base")
_AGGREGATION_DEADLINE_S = 20
_MODELS = "bankmodels.serving.bankmodel.io"
_FORBIDDEN = (
    "get secrets",
    "list secrets",
    "create pods",
    "delete pods",
    "create pods/exec",
    f"patch {_MODELS}",
    f"update {_MODELS}",
    f"delete {_MODELS}",
    "update configmaps",
    "deletecollection deployments.apps",
    "create clusterroles.rbac.authorization.k8s.io",
    "list customresourcedefinitions.apiextensions.k8s.io",
    "get leases.coordination.k8s.io",
)


@pytest.fixture(scope="module")
def operator(api: ApiOnlyCluster, kubectl: Kubectl) -> Kubectl:
    """kubectl with the operator's own credentials, after an installation as documented."""
    kubectl("apply", "--server-side", "--force-conflicts", "-k", _BASE)
    return kubectl.acting_as(api.service_account_kubeconfig("bankmodel-system", "bankmodel-operator"))


@pytest.mark.parametrize("right", [right for right in NEEDED if right.group != "monitoring.coreos.com"], ids=str)
def test_operator_may_do_what_it_needs(right: Right, operator: Kubectl) -> None:
    namespace = "bankmodel-system" if right.scope == "own" else "lending"

    assert _may(operator, right.verb, right.asked, "-n", namespace)


@pytest.mark.parametrize("asked", _FORBIDDEN)
def test_operator_may_not(asked: str, operator: Kubectl) -> None:
    assert not _may(operator, *asked.split(), "-n", "lending")


def test_operator_has_no_lease_elsewhere(operator: Kubectl) -> None:
    assert not _may(operator, "update", "leases.coordination.k8s.io/bankmodel-operator", "-n", "kube-system")


def test_operator_lists_the_one_definition_it_watches_and_no_other(operator: Kubectl) -> None:
    definitions = ("get", "customresourcedefinitions.apiextensions.k8s.io")
    only = "--field-selector=metadata.name=podmonitors.monitoring.coreos.com"

    assert operator(*definitions, only, check=False).returncode == 0
    assert operator(*definitions, check=False).returncode == 1


@pytest.mark.parametrize(("role", "may_edit"), [("view", False), ("edit", True), ("admin", True)])
def test_the_clusters_own_roles_reach_bankmodels(
    role: str, may_edit: bool, api: ApiOnlyCluster, operator: Kubectl, namespace: str
) -> None:
    name = f"{role}-{namespace}"
    administrator = operator.acting_as(api.kubeconfig)
    administrator("create", "rolebinding", role, f"--clusterrole={role}", f"--user={name}", "-n", namespace)
    user = operator.acting_as(api.kubeconfig_for(name))

    _wait_until_may(user, "get", _MODELS, "-n", namespace)
    if may_edit:
        _wait_until_may(user, "update", f"{_MODELS}/scale", "-n", namespace)

    assert may_edit == _may(user, "create", _MODELS, "-n", namespace)
    assert not _may(user, "update", f"{_MODELS}/status", "-n", namespace)


def _may(kubectl: Kubectl, verb: str, resource: str, *rest: str) -> bool:
    plural, slash, below = resource.partition("/")
    words = (
        (verb, plural, f"--subresource={below}")
        if below in ("status", "scale", "finalizers", "exec")
        else (verb, plural + slash + below)
    )
    return kubectl("auth", "can-i", *words, *rest, check=False).stdout.strip() == "yes"


def _wait_until_may(kubectl: Kubectl, *asked: str) -> None:
    """The controller-manager copies aggregated rules a moment after the roles are made."""
    deadline = time.monotonic() + _AGGREGATION_DEADLINE_S
    while not _may(kubectl, *asked):
        assert time.monotonic() < deadline, f"not allowed after {_AGGREGATION_DEADLINE_S} s: {' '.join(asked)}"
