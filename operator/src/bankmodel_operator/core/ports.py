"""The ports callers use: which a spec asks for, which a revision's pods open, and where they are on the Service.

A Service names them as the pods do, so that during a change each port leads to those pods only that have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from bankmodel_operator.api.v1alpha1 import BankModelSpec
from bankmodel_operator.core import names

ON_POD: Mapping[str, int] = MappingProxyType(
    {"http": names.PORT_HTTP, "https": names.PORT_HTTPS, "grpc": names.PORT_GRPC}
)
ON_SERVICE: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443, "grpc": names.PORT_GRPC})


def asked_ports(spec: BankModelSpec) -> tuple[str, ...]:
    """With TLS the plain port is closed unless it is kept. gRPC has one port, which then speaks TLS alone."""
    tls = spec.serving.tls
    if tls is None:
        return ("http", "grpc")
    return ("http", "https", "grpc") if tls.keep_plaintext else ("https", "grpc")


def opened_ports(templates: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What the scoring containers of these pod templates open to callers, any of them; those made by an older operator may
    open less."""
    every = {port["name"] for template in templates for port in _container(template).get("ports") or ()}
    return tuple(name for name in ON_POD if name in every)


def has_peer_port(template: Mapping[str, Any]) -> bool:
    """Whether these pods take requests from each other, as a trial needs; those of an older operator do not."""
    return any(port["name"] == "peer" for port in _container(template).get("ports") or ())


def protocols(ports: Iterable[str]) -> dict[str, str]:
    """What Services say of these ports of one revision, as Kubernetes has it: HTTP/2 in the clear, or over TLS where the pods have
    it (no other name is registered for that)."""
    opened = tuple(ports)
    return {"grpc": "https" if "https" in opened else "kubernetes.io/h2c"} if "grpc" in opened else {}


def _container(template: Mapping[str, Any]) -> Mapping[str, Any]:
    containers: Iterable[Mapping[str, Any]] = template["spec"]["containers"]
    return next((each for each in containers if each["name"] == names.CONTAINER_SERVING), {})
