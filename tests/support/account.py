"""The account an operator acts as in tests: a real ServiceAccount with exactly the roles of `manifests/`, never the administrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.api_only import ApiOnlyCluster

__all__ = ["Account", "cluster_account", "namespaced_account"]

_MANIFESTS = Path(__file__).parents[2] / "manifests"
_WATCHED = _MANIFESTS / "namespaced" / "watched" / "role.yaml"
_OWN = _MANIFESTS / "operator" / "role.yaml"
_NAME = "bankmodel-operator"
_SYSTEM = "bankmodel-system"
Kubectl = Callable[..., Any]


@dataclass(frozen=True)
class Account:
    """Where the ServiceAccount lives, and a token of it."""

    namespace: str
    token: str

    @property
    def user(self) -> str:
        """Its name in the audit log."""
        return f"system:serviceaccount:{self.namespace}:{_NAME}"


def namespaced_account(api: ApiOnlyCluster, kubectl: Kubectl, namespace: str) -> Account:
    """For an operator that lives in NAMESPACE and looks after it alone: Roles only."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _NAME, "namespace": namespace}}
    roles = [*_roles(_WATCHED, namespace, name="watched"), *_roles(_OWN, namespace, name="own")]
    kubectl("apply", "--server-side", "-f", "-", body={"apiVersion": "v1", "kind": "List", "items": [account, *roles]})
    return Account(namespace, api.service_account_token(namespace, _NAME))


def cluster_account(api: ApiOnlyCluster, kubectl: Kubectl) -> Account:
    """For an operator of the whole cluster, installed as documented."""
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(_MANIFESTS / "base"))
    return Account(_SYSTEM, api.service_account_token(_SYSTEM, _NAME))


def _roles(file: Path, namespace: str, *, name: str) -> Iterator[dict[str, Any]]:
    """The Role and RoleBinding of FILE under another name, as both files call theirs the same."""
    for document in yaml.safe_load_all(file.read_text()):
        document["metadata"] |= {"name": name, "namespace": namespace}
        if document["kind"] == "RoleBinding":
            document["roleRef"]["name"] = name
            document["subjects"][0]["namespace"] = namespace
        yield document
