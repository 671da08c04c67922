"""Deployment of one revision, from its record."""

from __future__ import annotations

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.children.record import Record
from bankmodel_operator.core.observation import Manifest


def deployment(parent: Parent, record: Record, replicas: int, *, fence: str) -> Manifest:
    """Old ReplicaSets are not kept: the way back is the ControllerRevision of another revision.

    `fence` changes with the revision's role, so that each role is a write: a leader that decided to delete
    this object in its last role, and froze, finds another resourceVersion when it wakes.
    """
    name, notes = names.revision_object(parent.name, record.revision), {names.ANNOTATION_FENCE: fence}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": parent.metadata(name, revision=record.revision, annotations=notes),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 0,
            "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": names.selector(parent.name, record.revision)},
            "template": record.template,
        },
    }
