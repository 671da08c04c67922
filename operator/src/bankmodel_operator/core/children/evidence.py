"""The evidence ConfigMap: what was counted on the present rung, so that a restarted operator goes on from there."""

from __future__ import annotations

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest


def evidence_child(parent: Parent, window: str) -> Manifest:
    """`window`: the window as text."""
    metadata = parent.metadata(names.evidence_configmap(parent.name))
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {names.EVIDENCE_KEY: window}}


def read_evidence(live: Manifest | None) -> str:
    """The window's text; empty where there is none."""
    return str(((live or {}).get("data") or {}).get(names.EVIDENCE_KEY, ""))
