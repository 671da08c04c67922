"""HorizontalPodAutoscaler: it scales the BankModel, never a Deployment, so that it survives every rollout."""

from __future__ import annotations

from bankmodel_operator.api.v1alpha1 import Autoscaling
from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest

SCALE_DOWN_WINDOW_S = 300
"""The load's peak over the last five minutes decides: a lull between two batches takes no pod away."""


def autoscaler(parent: Parent, autoscaling: Autoscaling) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": autoscaling.target_cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": parent.metadata(parent.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": parent.name},
            "minReplicas": autoscaling.min_replicas,
            "maxReplicas": autoscaling.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": SCALE_DOWN_WINDOW_S}},
        },
    }
