"""What GitOps tools do to an object when they apply what Git says, as far as it matters to who wrote what."""

from __future__ import annotations

import json
from typing import Any

from support.kubectl import Kubectl

__all__ = ["apply_as_argo_cd", "apply_as_flux"]

_FLUX = "kustomize-controller"


def apply_as_argo_cd(kubectl: Kubectl, manifest: dict[str, Any]) -> None:
    """A client-side apply: three ways, from the annotation that the last one left."""
    kubectl("apply", "-f", "-", body=manifest)


def apply_as_flux(kubectl: Kubectl, manifest: dict[str, Any]) -> None:
    """A server-side apply, before which all that managers named `kubectl…` wrote becomes Flux's own: so it goes with the
    apply unless Git has it (https://fluxcd.io/flux/faq/#why-are-kubectl-edits-rolled-back-by-flux)."""
    about = manifest["metadata"]
    place = ("bankmodel", about["name"], "-n", about["namespace"])
    live = kubectl("get", *place, "--show-managed-fields", "-o", "json", check=False).stdout
    fields = json.loads(live)["metadata"]["managedFields"] if live else []
    taken = [entry for entry in fields if _is_taken(entry)]
    if taken:
        rest = [entry for entry in fields if entry not in taken]
        own = {**taken[0], "manager": _FLUX, "operation": "Apply", "fieldsV1": _merged(taken)}
        patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [*rest, own]}]
        kubectl("patch", *place, "--type=json", "-p", json.dumps(patch), "--field-manager", _FLUX)
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager", _FLUX, "-f", "-", body=manifest)


def _is_taken(entry: dict[str, Any]) -> bool:
    is_flux = entry["manager"] == _FLUX and entry["operation"] == "Apply"
    return not entry.get("subresource") and (entry["manager"].startswith("kubectl") or is_flux)


def _merged(entries: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for entry in entries:
        _lay(entry["fieldsV1"], whole)
    return whole


def _lay(fields: dict[str, Any], over: dict[str, Any]) -> None:
    for key, below in fields.items():
        _lay(below, over.setdefault(key, {}))
