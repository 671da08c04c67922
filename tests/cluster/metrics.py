"""`python -m cluster metrics`: metrics-server beside the node's other processes, so that `kubectl top` and autoscalers see usage.

Not part of `up`: its build takes two to five minutes and few need it. The API server asks it through a Service whose one
endpoint is the node. Called by the command line.
"""

import json

from . import network
from .binaries import binary_folder, ensure_binaries
from .commands import run, succeeds
from .node import is_started, require_running, start_inside, wait_ready
from .paths import StateFolder
from .processes import Component
from .progress import say, stage

__all__ = ["MODULE", "start"]

MODULE = "metrics-server"
_PORT = 4443
_GROUP = "metrics.k8s.io"


def start(state: StateFolder) -> None:
    """Return when `kubectl top nodes` answers; about 20 s, since usage is the difference of two looks at least 10 s apart."""
    require_running(state)
    ensure_binaries([MODULE])
    kubectl = state.path / "kubectl"
    with stage("starting metrics-server"):
        run([kubectl, "apply", "--server-side", "-f", "-"], input_text=json.dumps(_objects()))
        if not is_started(state, MODULE):
            start_inside(state, _component(state))
        wait_ready(state, MODULE, lambda: succeeds([kubectl, "top", "nodes"]))
    say("`kubectl top pods` and HorizontalPodAutoscalers have their figures from now on")


def _component(state: StateFolder) -> Component:
    kubeconfig = state.kubeconfig
    flags = [f"--{name}kubeconfig={kubeconfig}" for name in ("", "authentication-", "authorization-")]
    flags += [f"--bind-address={network.NODE_ADDRESS}", f"--secure-port={_PORT}", f"--cert-dir={state.pki}"]
    # The kubelet's certificate is its own work, and its name is not in any DNS.
    flags += ["--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP", "--metric-resolution=10s"]
    flags += ["--kubelet-request-timeout=5s"]
    return Component(MODULE, (str(binary_folder(MODULE) / MODULE), *flags))


def _objects() -> dict[str, object]:
    """The Service without pods, its endpoint, and the registration of the API group."""
    place = {"name": MODULE, "namespace": "kube-system"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": place,
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": _PORT}]},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**place, "labels": {"kubernetes.io/service-name": MODULE}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": _PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [network.NODE_ADDRESS], "conditions": {"ready": True}}],
    }
    registration = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1beta1.{_GROUP}"},
        "spec": {
            "group": _GROUP,
            "version": "v1beta1",
            "service": place,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
        },
    }
    return {"apiVersion": "v1", "kind": "List", "items": [service, endpoints, registration]}
