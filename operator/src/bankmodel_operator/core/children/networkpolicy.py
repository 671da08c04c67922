"""NetworkPolicy: who may call the model, and who may read its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bankmodel_operator.api.v1alpha1 import Caller
from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest
from bankmodel_operator.core.ports import ON_POD

_NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def network_policy(
    parent: Parent, callers: Sequence[Caller] | None, scrapers: Sequence[str], *, ports: Iterable[str]
) -> Manifest:
    """`callers` None: every pod of the namespace; empty: nobody; they reach `ports`. The model's own pods reach each
    other's peer port. `scrapers`: namespaces that read port 9090."""
    own_pods = {"podSelector": {"matchLabels": {names.LABEL_MODEL: parent.name}}}
    ingress = [
        *_rule([ON_POD[name] for name in ports], _peers(callers)),
        *_rule([names.PORT_PEER], [own_pods]),
        *_rule([names.PORT_METRICS], [_namespace(name) for name in dict.fromkeys(scrapers)]),
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": parent.metadata(parent.name),
        "spec": {
            "podSelector": {"matchLabels": {names.LABEL_MODEL: parent.name}},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    }


def _rule(ports: Sequence[int], peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """No rule for no peers or ports: an empty `from` would let everybody in, empty `ports` to everything."""
    if not peers or not ports:
        return []
    return [{"from": peers, "ports": [{"protocol": "TCP", "port": port} for port in ports]}]


def _peers(callers: Sequence[Caller] | None) -> list[dict[str, Any]]:
    if callers is None:
        return [{"podSelector": {}}]
    dumped = (caller.model_dump(mode="json", by_alias=True, exclude_defaults=True) for caller in callers)
    return [peer for peer in dumped if peer]


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: name}}}
