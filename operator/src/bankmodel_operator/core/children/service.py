"""The stable Service, which callers use for the model's life, and the Service of each revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest
from bankmodel_operator.core.ports import ON_SERVICE, protocols

_SCRAPE = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(names.PORT_METRICS),
    "prometheus.io/path": "/metrics",
}


def stable_service(parent: Parent, selector: Mapping[str, str], *, fence: str, ports: Iterable[str]) -> Manifest:
    """Without a selector before the first revision is ready: the name, address and DNS entry exist from the start.

    `ports` are those of the revision that the selector names: what its pods do not listen on has no port here.

    `fence` is the routing generation: what moved the table also changes this object's resourceVersion, even
    where the selector has to wait, so that a leader which froze before cannot move it later.
    """
    spec: dict[str, Any] = {"type": "ClusterIP", "ports": _ports(ports)}
    if selector:
        spec["selector"] = dict(selector)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": parent.metadata(parent.name, annotations={names.ANNOTATION_FENCE: fence}),
        "spec": spec,
    }


def revision_service(
    parent: Parent, revision: str, *, is_annotated: bool, ports: Iterable[str], has_peer: bool = False
) -> Manifest:
    """Names one revision's pods, and is where the pods of others send their share. Prometheus finds them by annotation where nothing else is there for it;
    never on the stable Service, so that each pod is scraped once."""
    name, notes = names.revision_object(parent.name, revision), _SCRAPE if is_annotated else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": parent.metadata(name, revision=revision, annotations=notes),
        "spec": {
            "type": "ClusterIP",
            "ports": [
                *_ports(ports),
                *([_port("peer", names.PORT_PEER)] if has_peer else []),
                _port("metrics", names.PORT_METRICS),
            ],
            "selector": names.selector(parent.name, revision),
        },
    }


def _ports(ports: Iterable[str]) -> list[dict[str, Any]]:
    opened = tuple(ports)
    spoken = protocols(opened)
    return [
        {**_port(name, ON_SERVICE[name]), **({"appProtocol": spoken[name]} if name in spoken else {})}
        for name in opened
    ]


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "port": number, "protocol": "TCP", "targetPort": name}
