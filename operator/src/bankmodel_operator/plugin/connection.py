"""The API server as the plugin needs it: one BankModel read, one written, with the user's own credentials.

Finds them as kubectl does: --kubeconfig, then KUBECONFIG, then ~/.kube/config; inside a pod its service account.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3.exceptions  # what kubernetes lets through of its own transport
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from bankmodel_operator.core import names
from bankmodel_operator.plugin.errors import Absent, Denied, PluginError, Refused, Unreachable

__all__ = ["FIELD_MANAGER", "Models", "connect"]

FIELD_MANAGER = "bankmodel-plugin"
"""Not `kubectl-…`: Flux takes over whatever managers of that name wrote, and so would undo an order."""

_DEADLINE_S = 10
_MERGE = "application/merge-patch+json"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Models:
    """The BankModels of one namespace."""

    def __init__(self, api: client.CustomObjectsApi, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    def get(self, name: str) -> dict[str, Any]:
        """As it is now."""
        return self._ask("get", name, self._api.get_namespaced_custom_object, name)

    def patch(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Merge `body` into it; how it is then."""
        change = self._api.patch_namespaced_custom_object
        rest = {"field_manager": FIELD_MANAGER, "_content_type": _MERGE}
        return self._ask("patch", name, change, name, body, **rest)

    def _ask(self, verb: str, name: str, call: Callable[..., Any], *rest: Any, **options: Any) -> dict[str, Any]:
        where = (names.GROUP, names.VERSION, self.namespace, names.PLURAL)
        try:
            answer: dict[str, Any] = call(*where, *rest, _request_timeout=_DEADLINE_S, **options)
        except ApiException as refusal:
            raise self._sorted(verb, name, refusal) from refusal
        except urllib3.exceptions.HTTPError as problem:
            raise Unreachable(f"the API server does not answer: {str(problem)[:200]}") from problem
        return answer

    def _sorted(self, verb: str, name: str, refusal: ApiException) -> PluginError:
        said = _message_of(refusal)
        if refusal.status == 404 and f'"{name}"' in said:
            return Absent(
                f"there is no BankModel {name!r} in namespace {self.namespace!r}. Which there are: kubectl get bm -A; "
                "another namespace: -n NAMESPACE"
            )
        if refusal.status == 404:
            return Absent(
                "this cluster knows no BankModels: install the CRD (crds/) and the operator, or choose --context"
            )
        if refusal.status == 403:
            role = "bankmodel-viewer (part of view)" if verb == "get" else "bankmodel-editor (part of edit)"
            return Denied(
                f"you may not {verb} BankModels in namespace {self.namespace!r}: you need the role {role}. {said}"
            )
        if refusal.status == 401:
            return Denied("the API server does not take your credentials: log in again, or choose --context")
        if not refusal.status or refusal.status == 429 or refusal.status >= 500:
            return Unreachable(f"the API server does not answer as it should: {refusal.status or ''} {said}")
        return Refused(f"the API server did not take it: {said}")


def connect(kubeconfig: str | None, context: str | None, namespace: str | None) -> Models:
    """`namespace` None: the context's, or `default`."""
    settings = client.Configuration()
    try:
        config.load_kube_config(kubeconfig, context, settings)  # type: ignore[no-untyped-call]  # theirs
        found = namespace or _namespace_of(kubeconfig, context)
    except (config.ConfigException, OSError) as problem:
        if kubeconfig or context or not _POD_NAMESPACE.exists():
            raise Unreachable(
                f"no cluster to talk to: {problem}. Set KUBECONFIG or --kubeconfig, and --context where it has several"
            ) from problem
        config.load_incluster_config(settings)  # type: ignore[no-untyped-call]  # theirs
        found = namespace or _POD_NAMESPACE.read_text().strip()
    settings.retries = False
    return Models(client.CustomObjectsApi(client.ApiClient(settings)), found)


def _namespace_of(kubeconfig: str | None, context: str | None) -> str:
    contexts, active = config.list_kube_config_contexts(kubeconfig)  # type: ignore[no-untyped-call]  # theirs
    chosen = next((each for each in contexts if each["name"] == context), active) if context else active
    return str(chosen["context"].get("namespace") or "default")


def _message_of(refusal: ApiException) -> str:
    """The API server's own words."""
    try:
        said = json.loads(refusal.body or "")["message"]
    except (KeyError, TypeError, ValueError):
        said = refusal.reason
    return str(said)[:300]
