"""The kind of the Prometheus Operator that finds pods, cut down to what the API server needs to serve it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support.operator_process import eventually

__all__ = ["pod_monitor_kind"]

_NAME = "podmonitors.monitoring.coreos.com"
_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_VERSION = {
    "name": "v1",
    "served": True,
    "storage": True,
    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _ANYTHING}}},
}
_DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": _NAME},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {
            "kind": "PodMonitor",
            "listKind": "PodMonitorList",
            "plural": "podmonitors",
            "singular": "podmonitor",
        },
        "versions": [_VERSION],
    },
}


@contextmanager
def pod_monitor_kind(kubectl: Callable[..., Any]) -> Iterator[None]:
    """Installed on entry; on exit gone, with every object of it."""
    kubectl("apply", "--server-side", "-f", "-", body=_DEFINITION)
    try:
        yield
    finally:
        kubectl("delete", "customresourcedefinition", _NAME)
        eventually(
            lambda: kubectl("get", "--raw", "/apis/monitoring.coreos.com/v1", check=False).returncode != 0,
            what="the kind is not served any more",
        )
