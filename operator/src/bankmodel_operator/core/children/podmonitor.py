"""PodMonitor: how the Prometheus Operator finds the pods, where its kinds are installed."""

from __future__ import annotations

from collections.abc import Mapping

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest


def pod_monitor(parent: Parent, labels: Mapping[str, str]) -> Manifest:
    """`labels`: what the site's Prometheus selects monitors by. The series carry model and revision themselves."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": parent.metadata(parent.name, labels=labels),
        "spec": {
            "selector": {"matchLabels": {names.LABEL_MODEL: parent.name}},
            "podMetricsEndpoints": [{"port": "metrics", "path": "/metrics"}],
        },
    }
