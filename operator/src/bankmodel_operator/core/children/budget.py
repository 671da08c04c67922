"""PodDisruptionBudget of one revision: a node drain takes one pod at a time."""

from __future__ import annotations

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest


def budget(parent: Parent, revision: str) -> Manifest:
    """For more than one replica only: with one it would block every drain. Pods that do not work may always go."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": parent.metadata(names.revision_object(parent.name, revision), revision=revision),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": names.selector(parent.name, revision)},
        },
    }
