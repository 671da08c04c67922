"""The command lines of etcd, kube-apiserver, controller-manager and scheduler: the half that both kinds of cluster share.

Called by api_only (loopback, no root) and node (inside the network namespace).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .binaries import binary_folder
from .kubeconfig import write_kubeconfig
from .paths import StateFolder
from .pki import ADMIN_TOKEN, make_pki, sign_client
from .processes import Component

__all__ = [
    "POD_RANGE",
    "SERVICE_RANGE",
    "Endpoints",
    "apiserver",
    "component_kubeconfig",
    "controller_manager",
    "etcd",
    "kubectl",
    "scheduler",
    "write_credentials",
]

SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.244.0.0/16"
_FIRST_SERVICE_ADDRESS = "10.96.0.1"
# As whom the apiserver asks other API servers on behalf of a user (metrics-server is one).
_FRONT_PROXY = "front-proxy"


@dataclass(frozen=True)
class Endpoints:
    """Where the control plane listens: ports on loopback and, on a node, the node's own address as well."""

    etcd: int = 2379
    etcd_peer: int = 2380
    api: int = 6443
    controller_manager: int = 10257
    scheduler: int = 10259
    node_address: str | None = None

    @property
    def url(self) -> str:
        """The apiserver as its clients beside it see it."""
        return f"https://127.0.0.1:{self.api}"


def kubectl() -> str:
    """The path of kubectl."""
    return str(binary_folder("kubernetes") / "kubectl")


def write_credentials(state: StateFolder, ends: Endpoints) -> None:
    """Certificates, tokens, the audit policy and the kubeconfigs of the administrator and the two controllers."""
    node = [ends.node_address] if ends.node_address else []
    make_pki(state.pki, addresses=["127.0.0.1", _FIRST_SERVICE_ADDRESS, *node])
    sign_client(state.pki, _FRONT_PROXY, user=_FRONT_PROXY, groups=[])
    write_kubeconfig(state.kubeconfig, server=ends.url, ca=state.pki / "ca.crt", user={"token": ADMIN_TOKEN})
    for name in ("controller-manager", "scheduler"):
        component_kubeconfig(state, ends, name)
    (state.config / "audit.json").write_text(json.dumps(_AUDIT_POLICY))


def component_kubeconfig(state: StateFolder, ends: Endpoints, name: str) -> Path:
    """The kubeconfig of the component NAME, which has the token `NAME-token`."""
    user = {"token": f"{name}-token"}
    return write_kubeconfig(state.config / f"{name}.conf", server=ends.url, ca=state.pki / "ca.crt", user=user)


def etcd(state: StateFolder, ends: Endpoints) -> Component:
    """etcd without fsync: the data lives as long as the cluster."""
    client, peer = f"http://127.0.0.1:{ends.etcd}", f"http://127.0.0.1:{ends.etcd_peer}"
    flags = {
        "data-dir": state.path / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    return Component("etcd", (str(binary_folder("etcd") / "etcd"), "--unsafe-no-fsync", *_flags(flags)))


def apiserver(state: StateFolder, ends: Endpoints) -> Component:
    """kube-apiserver with Node and RBAC authorization and an audit log."""
    flags = {**_api_serving(state, ends), **_api_identity(state), **_api_audit(state)}
    return Component("apiserver", (_kubernetes("kube-apiserver"), *_flags(flags)))


def controller_manager(state: StateFolder, ends: Endpoints, *, without: Sequence[str] = ()) -> Component:
    """kube-controller-manager: garbage collection, Deployments, service accounts and the rest, but for the controllers WITHOUT."""
    own = str(state.config / "controller-manager.conf")
    flags = {
        "kubeconfig": own,
        "authentication-kubeconfig": own,
        "authorization-kubeconfig": own,
        "service-account-private-key-file": state.pki / "sa.key",
        "root-ca-file": state.pki / "ca.crt",
        "cluster-signing-cert-file": state.pki / "ca.crt",
        "cluster-signing-key-file": state.pki / "ca.key",
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "controllers": ",".join(["*", *(f"-{name}" for name in without)]),
        # At the default of 20 requests a second its start takes 5 s, with these 0.1 s.
        "kube-api-qps": 500,
        "kube-api-burst": 500,
        "allocate-node-cidrs": "true",
        "cluster-cidr": POD_RANGE,
        "bind-address": "127.0.0.1",
        "secure-port": ends.controller_manager,
        "cert-dir": state.pki,
    }
    return Component("controller-manager", (_kubernetes("kube-controller-manager"), *_flags(flags)))


def scheduler(state: StateFolder, ends: Endpoints) -> Component:
    """kube-scheduler."""
    own = str(state.config / "scheduler.conf")
    flags = {
        "kubeconfig": own,
        "authentication-kubeconfig": own,
        "authorization-kubeconfig": own,
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
        "secure-port": ends.scheduler,
        "cert-dir": state.pki,
    }
    return Component("scheduler", (_kubernetes("kube-scheduler"), *_flags(flags)))


def _api_serving(state: StateFolder, ends: Endpoints) -> dict[str, object]:
    # A lone apiserver must not publish a loopback address as the endpoint of the Service `kubernetes`: it is refused, with a
    # log line every ten seconds; so there the endpoints are left alone.
    on_node = ends.node_address is not None
    return {
        "etcd-servers": f"http://127.0.0.1:{ends.etcd}",
        "bind-address": "0.0.0.0" if on_node else "127.0.0.1",
        "advertise-address": ends.node_address or "127.0.0.1",
        "endpoint-reconciler-type": "lease" if on_node else "none",
        "secure-port": ends.api,
        "tls-cert-file": state.pki / "apiserver.crt",
        "tls-private-key-file": state.pki / "apiserver.key",
        "service-cluster-ip-range": SERVICE_RANGE,
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-client-certificate": state.pki / "kubelet-client.crt",
        "kubelet-client-key": state.pki / "kubelet-client.key",
        "allow-privileged": "true",
        "profiling": "false",
    }


def _api_identity(state: StateFolder) -> dict[str, object]:
    return {
        "token-auth-file": state.pki / "tokens.csv",
        "client-ca-file": state.pki / "ca.crt",
        "requestheader-client-ca-file": state.pki / "ca.crt",
        "requestheader-allowed-names": _FRONT_PROXY,
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": state.pki / f"{_FRONT_PROXY}.crt",
        "proxy-client-key-file": state.pki / f"{_FRONT_PROXY}.key",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": state.pki / "sa.pub",
        "service-account-signing-key-file": state.pki / "sa.key",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
    }


def _api_audit(state: StateFolder) -> dict[str, object]:
    return {
        "audit-policy-file": state.config / "audit.json",
        "audit-log-path": state.audit_log,
        "audit-log-maxsize": 200,
        "audit-log-maxbackup": 1,
    }


_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


def _kubernetes(name: str) -> str:
    return str(binary_folder("kubernetes") / name)


def _flags(values: dict[str, object]) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in values.items())
