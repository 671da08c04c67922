"""An operator at work on a real apiserver: the process, the proxy between them, and the eyes of a test on what comes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.api_only import ApiOnlyCluster
from support.bankmodels import a_bankmodel
from support.operator_process import OperatorProcess, eventually
from support.proxy import Proxy

__all__ = ["CHILDREN", "DIGESTS", "Stage", "a_model", "shape", "stage"]

CHILDREN = (
    "controllerrevisions,deployments,services,configmaps,poddisruptionbudgets,horizontalpodautoscalers,networkpolicies"
)
DIGESTS = {version: version * 64 for version in "123456789"}
_LABEL = "serving.bankmodel.io/model"
_VOLATILE_NOTES = ("deployment.kubernetes.io/", "serving.bankmodel.io/applied", "serving.bankmodel.io/fence")
_VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp")


def a_model(name: str, namespace: str, *, version: str = "1", **spec: Any) -> dict[str, Any]:
    """A BankModel of this version, fetched by http: no pod of the fake node really fetches."""
    source = {"image": None, "http": {"url": f"https://models.example/{version}.onnx"}}
    model = {"version": version, "sha256": DIGESTS[version], "source": source}
    return a_bankmodel(name=name, namespace=namespace, **{"model": model, **spec})


@dataclass
class Stage:
    """What a test sees and does. `operator` runs through `proxy`; the test itself speaks to the apiserver directly."""

    kubectl: Callable[..., Any]
    namespace: str
    proxy: Proxy
    operator: OperatorProcess

    def apply(self, model: dict[str, Any]) -> None:
        """As a user would."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=user", "-f", "-", body=model)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """The live object; empty when there is none."""
        done = self.kubectl("get", kind, name, "-n", self.namespace, "-o", "json", check=False)
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return found

    def managers(self, model: str) -> set[tuple[str, str]]:
        """Who has written the BankModel: (field manager, subresource)."""
        found = self.kubectl("get", "bankmodel", model, "-n", self.namespace, "-o", "json", "--show-managed-fields")
        entries = json.loads(found.stdout)["metadata"]["managedFields"]
        return {(entry["manager"], entry.get("subresource", "")) for entry in entries}

    def settles(self, *, quiet_s: float = 2.0) -> None:
        """Wait until the operator has written nothing for a while."""
        seen = [len(self.proxy.writes), time.monotonic()]

        def is_quiet() -> bool:
            if len(self.proxy.writes) != seen[0]:
                seen[:] = [len(self.proxy.writes), time.monotonic()]
            return time.monotonic() - seen[1] > quiet_s

        eventually(is_quiet, what="the operator is quiet")

    def children(self, model: str, kinds: str = CHILDREN) -> list[dict[str, Any]]:
        """The live children of a model."""
        done = self.kubectl("get", kinds, "-n", self.namespace, "-l", f"{_LABEL}={model}", "-o", "json")
        items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        return items

    def condition(self, model: str, kind: str) -> dict[str, Any]:
        """One condition of a model; empty when it is not there yet."""
        conditions = self.get("bankmodel", model).get("status", {}).get("conditions", [])
        return next((found for found in conditions if found["type"] == kind), {})

    def reaches(self, model: str, version: str = "1", *, deadline_s: float = 30.0) -> dict[str, Any]:
        """Wait until this version serves and nothing is under way; the live BankModel."""

        def serves() -> dict[str, Any] | None:
            live = self.get("bankmodel", model)
            status = live.get("status", {})
            is_current = status.get("observedGeneration") == live.get("metadata", {}).get("generation")
            is_done = status.get("rollout", {}).get("state") == "Serving" and self._is_true(status, "Ready")
            return live if is_current and is_done and status.get("stable", {}).get("version") == version else None

        return eventually(serves, deadline_s=deadline_s, what=f"{model} serves version {version}")

    def shows(self, model: str, kind: str, reason: str, *, deadline_s: float = 20.0) -> dict[str, Any]:
        """Wait until a condition is True with this reason; the condition."""

        def shown() -> dict[str, Any] | None:
            found = self.condition(model, kind)
            return found if (found.get("status"), found.get("reason")) == ("True", reason) else None

        return eventually(shown, deadline_s=deadline_s, what=f"{model} shows {kind}/{reason}")

    @staticmethod
    def _is_true(status: dict[str, Any], kind: str) -> bool:
        return any(found["type"] == kind and found["status"] == "True" for found in status.get("conditions", []))


@contextmanager
def stage(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, folder: Path, **settings: str
) -> Iterator[Stage]:
    """An operator that looks after one namespace, and leads by the time the test begins."""
    scope = {"BANKMODEL_NAMESPACES": namespace, "BANKMODEL_OPERATOR_NAMESPACE": namespace}
    with Proxy(api.url, api.admin_token, api.ca) as proxy:
        with OperatorProcess(proxy.kubeconfig(folder), folder, settings={**scope, **settings}) as operator:
            eventually(lambda: operator.leads, what="the operator leads")
            yield Stage(kubectl, namespace, proxy, operator)


def shape(children: list[dict[str, Any]]) -> dict[str, Any]:
    """What was made, without what differs from one making to the next: ids, times, addresses, routing generations."""
    return {f"{child['kind']} {child['metadata']['name']}": _lasting(child) for child in children}


def _lasting(child: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in child["metadata"].items() if key not in _VOLATILE}
    metadata["annotations"] = {
        key: value for key, value in metadata.get("annotations", {}).items() if not key.startswith(_VOLATILE_NOTES)
    }
    metadata["ownerReferences"] = [
        {key: value for key, value in owner.items() if key != "uid"} for owner in metadata.get("ownerReferences", [])
    ]
    rest = {key: value for key, value in child.items() if key not in ("metadata", "status", "revision")}
    if "spec" in rest:
        rest["spec"] = {key: value for key, value in rest["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    if child["kind"] == "ConfigMap":
        table = json.loads(rest["data"]["table.json"])
        rest["data"] = {key: value for key, value in table.items() if key != "generation"}
    return {"metadata": metadata, **rest}
