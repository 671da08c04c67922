"""An operator at work on a real apiserver: the process, the proxy between them, and the eyes of a test on what comes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankmodel_operator.cluster.resources import RESOURCES
from cluster.api import ApiRefused
from cluster.api_only import ApiOnlyCluster
from support.account import Account, cluster_account, namespaced_account
from support.audit import Request, requests_by
from support.bankmodels import a_bankmodel
from support.operator_process import OperatorProcess, eventually, kept
from support.proxy import Proxy

__all__ = ["CHILDREN", "DIGESTS", "Stage", "a_model", "serves", "stage", "wide_stage"]

CHILDREN = (
    "controllerrevisions,deployments,services,configmaps,poddisruptionbudgets,horizontalpodautoscalers,networkpolicies"
)
DIGESTS = {version: version * 64 for version in "123456789"}
_KINDS = {kind.lower(): resource for kind, resource in RESOURCES.items()}
_PLURALS = {resource.plural: resource for resource in RESOURCES.values()}
_LABEL = "serving.bankmodel.io/model"


def a_model(name: str, namespace: str, *, version: str = "1", **spec: Any) -> dict[str, Any]:
    """A BankModel of this version, fetched by http: no pod of the fake node really fetches. Without a ladder unless asked
    for: nobody answers requests there."""
    source = {"image": None, "http": {"url": f"https://models.example/{version}.onnx"}}
    model = {"version": version, "sha256": DIGESTS[version], "source": source}
    return a_bankmodel(name=name, namespace=namespace, **{"model": model, "rollout": {"steps": []}, **spec})


@dataclass
class Stage:
    """What a test sees and does. `operator` runs through `proxy` as `account`; the test itself is the administrator."""

    api: ApiOnlyCluster
    account: Account
    kubectl: Callable[..., Any]
    namespace: str
    proxy: Proxy
    operator: OperatorProcess

    def apply(self, model: dict[str, Any]) -> None:
        """As a user would."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=user", "-f", "-", body=model)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """The live object; empty when there is none."""
        try:
            return self.api.admin.get(_KINDS[kind.lower()].path(self.namespace, name))
        except ApiRefused as error:
            if error.code == 404:
                return {}
            raise

    def requests(self) -> list[Request]:
        """What the operator's account has asked of the apiserver so far, by the audit log."""
        return list(requests_by(self.api.audit_log, self.account.user))

    def watches_all(self) -> None:
        """Wait until the operator watches models and children."""
        kinds = {"bankmodels", "pods", *CHILDREN.split(",")}
        eventually(lambda: kinds <= self.proxy.watched, what="every kind is watched")

    def lose_status(self, model: str) -> None:
        """Remove the whole status, as by hand."""
        patch = '[{"op": "remove", "path": "/status"}]'
        where = ("-n", self.namespace, "--subresource=status", "--type=json")
        self.kubectl("patch", "bankmodel", model, *where, "-p", patch)

    def managers(self, model: str) -> set[tuple[str, str]]:
        """Who has written the BankModel: (field manager, subresource)."""
        found = self.kubectl("get", "bankmodel", model, "-n", self.namespace, "-o", "json", "--show-managed-fields")
        entries = json.loads(found.stdout)["metadata"]["managedFields"]
        return {(entry["manager"], entry.get("subresource", "")) for entry in entries}

    def settles(self, *, quiet_s: float = 1.0, deadline_s: float = 240.0) -> None:
        """Wait until the operator has led for a while and written nothing."""
        seen = [-1.0, time.monotonic()]

        def is_quiet() -> bool:
            if len(self.proxy.writes) != seen[0]:
                seen[:] = [len(self.proxy.writes) if self.operator.leads else -1, time.monotonic()]
            return time.monotonic() - seen[1] > quiet_s and self.operator.leads

        eventually(is_quiet, deadline_s=deadline_s, what="the operator is quiet")

    def children(self, model: str, kinds: str = CHILDREN) -> list[dict[str, Any]]:
        """The live children of a model."""
        found: list[dict[str, Any]] = []
        for resource in (_PLURALS[plural] for plural in kinds.split(",")):
            listed = self.api.admin.get(f"{resource.path(self.namespace)}?labelSelector={_LABEL}%3D{model}")
            about = {"apiVersion": resource.api_version, "kind": resource.kind}
            found += [{**about, **item} for item in listed["items"]]
        return found

    def condition(self, model: str, kind: str) -> dict[str, Any]:
        """One condition of a model; empty when it is not there yet."""
        conditions = self.get("bankmodel", model).get("status", {}).get("conditions", [])
        return next((found for found in conditions if found["type"] == kind), {})

    def reaches(self, model: str, version: str = "1", *, deadline_s: float = 60.0) -> dict[str, Any]:
        """Wait until this version serves and nothing is under way; the live BankModel."""

        def found() -> dict[str, Any] | None:
            live = self.get("bankmodel", model)
            return live if serves(live, version) else None

        return eventually(found, deadline_s=deadline_s, what=f"{model} serves version {version}")

    def shows(self, model: str, kind: str, reason: str, *, deadline_s: float = 20.0) -> dict[str, Any]:
        """Wait until a condition is True with this reason; the condition."""

        def shown() -> dict[str, Any] | None:
            found = self.condition(model, kind)
            return found if (found.get("status"), found.get("reason")) == ("True", reason) else None

        return eventually(shown, deadline_s=deadline_s, what=f"{model} shows {kind}/{reason}")


def serves(live: dict[str, Any], version: str) -> bool:
    """Whether this BankModel serves this version and nothing is under way."""
    status = live.get("status", {})
    is_current = status.get("observedGeneration") == live.get("metadata", {}).get("generation")
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
    is_done = status.get("rollout", {}).get("state") == "Serving" and is_ready
    return bool(is_current and is_done and status.get("stable", {}).get("version") == version)


@contextmanager
def stage(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, folder: Path, **settings: str
) -> Iterator[Stage]:
    """An operator that looks after one namespace, and leads by the time the test begins. Its rights are Roles there."""
    scope = {"BANKMODEL_NAMESPACES": namespace, "BANKMODEL_OPERATOR_NAMESPACE": namespace}
    account = namespaced_account(api, kubectl, namespace)
    with _proxied(api, account, folder, {**scope, **settings}) as (proxy, operator):
        yield Stage(api, account, kubectl, namespace, proxy, operator)


@contextmanager
def wide_stage(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, folder: Path, **settings: str
) -> Iterator[Stage]:
    """The same with an operator for the whole cluster, installed as documented."""
    account = cluster_account(api, kubectl)
    with _proxied(api, account, folder, settings) as (proxy, operator):
        yield Stage(api, account, kubectl, namespace, proxy, operator)


@contextmanager
def _proxied(
    api: ApiOnlyCluster, account: Account, folder: Path, settings: dict[str, str]
) -> Iterator[tuple[Proxy, OperatorProcess]]:
    with Proxy(api.url, account.token, api.ca) as proxy:
        with OperatorProcess(proxy.kubeconfig(folder), folder, settings=settings) as operator:
            with kept(operator):
                eventually(lambda: operator.leads, what="the operator leads")
            yield proxy, operator
