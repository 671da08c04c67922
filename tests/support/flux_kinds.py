"""The kinds that Flux's controller watches, as far as an API server must know them: without a schema, what is in these objects is the
controller's affair."""

from __future__ import annotations

from typing import Any

from support.kubectl import Kubectl
from support.operator_process import eventually

__all__ = ["GIT", "KUSTOMIZATIONS", "KUSTOMIZE", "SOURCES", "install_kinds"]

SOURCES, KUSTOMIZE = "source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"
GIT, _OCI, _BUCKETS = (f"{plural}.{SOURCES}" for plural in ("gitrepositories", "ocirepositories", "buckets"))
KUSTOMIZATIONS = f"kustomizations.{KUSTOMIZE}"
_KINDS = {GIT: "GitRepository", _OCI: "OCIRepository", _BUCKETS: "Bucket", KUSTOMIZATIONS: "Kustomization"}


def install_kinds(kubectl: Kubectl) -> None:
    """And wait until they are served."""
    all_of_them = {"apiVersion": "v1", "kind": "List", "items": [_definition(name) for name in _KINDS]}
    kubectl("apply", "--server-side", "-f", "-", body=all_of_them)
    eventually(lambda: all(_is_served(kubectl, name) for name in _KINDS), what=f"{', '.join(_KINDS)} are served")


def _is_served(kubectl: Kubectl, name: str) -> bool:
    plural, _, group = name.partition(".")
    return kubectl("get", "--raw", f"/apis/{group}/v1/{plural}?limit=1", check=False).returncode == 0


def _definition(name: str) -> dict[str, Any]:
    plural, _, group = name.partition(".")
    kind = _KINDS[name]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{**version, "subresources": {"status": {}}}],
        },
    }
