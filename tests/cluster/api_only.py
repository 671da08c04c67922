"""A Kubernetes API without nodes, for the control-plane tests: etcd, kube-apiserver and controller-manager on loopback.

Needs no root and no namespace, starts in a few seconds, and several run side by side. With `kwok=True` a scheduler and
fake nodes join (one unless told), on which pods become Ready by themselves.

    with ApiOnlyCluster() as cluster:
        subprocess.run([cluster.kubectl, "--kubeconfig", cluster.kubeconfig, "get", "namespaces"])
"""

import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from . import control_plane
from .api import Connection
from .binaries import API_ONLY_MODULES, binary_folder, ensure_binaries
from .control_plane import Endpoints
from .errors import ClusterError
from .kubeconfig import write_kubeconfig
from .paths import CHECKOUT, StateFolder
from .pki import ADMIN_TOKEN, sign_client
from .processes import Component, all_still_run, read_records, start, stop, stop_all
from .progress import say, tail, wait_until

__all__ = ["STOP_ORDER", "ApiOnlyCluster"]

STOP_ORDER = ("kwok", "scheduler", "controller-manager", "apiserver", "etcd")
FAKE_NODE = "fake-node"
_STAGES = Path(__file__).with_name("kwok_stages.yaml")
_PODS = "127.244.0.0/16"
"""Addresses of fake pods: on loopback, so that a test can answer in their stead."""
_IN_VAIN = ("endpoints-controller", "endpointslice-controller", "endpointslice-mirroring-controller")
"""The API server takes no endpoint on loopback: with fake pods these would try for ever, which was a third of all requests."""
_DEADLINE_S = 60.0
# A port that was free a moment ago may be taken by a neighbour's cluster: then all is begun anew with others.
_TRIES = 3


class ApiOnlyCluster:
    """The running API; a context manager, or `start()` and `stop()`."""

    def __init__(self, *, kwok: bool = False, nodes: int = 1, folder: Path | None = None) -> None:
        """KWOK adds scheduler and fake nodes, each with 64 cores; FOLDER is where state and logs go (default: a temporary one)."""
        self._with_kwok = kwok
        self._nodes = [FAKE_NODE, *(f"{FAKE_NODE}-{number}" for number in range(2, nodes + 1))]
        self._folder = folder
        self._watchdog: subprocess.Popen[bytes] | None = None
        self.state = StateFolder(Path("/nonexistent"))
        self.ends = Endpoints()

    @property
    def url(self) -> str:
        """The apiserver's address."""
        return self.ends.url

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state.kubeconfig

    @property
    def admin_token(self) -> str:
        """The administrator's bearer token."""
        return ADMIN_TOKEN

    @property
    def ca(self) -> Path:
        """The certificate authority of the apiserver."""
        return self.state.pki / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """Every request, one JSON object a line (level Metadata)."""
        return self.state.audit_log

    @property
    def kubectl(self) -> str:
        """The path of a kubectl of the same version."""
        return control_plane.kubectl()

    @property
    def admin(self) -> Connection:
        """A small client with all rights."""
        return Connection(self.url, self.ca, ADMIN_TOKEN)

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for any USER in any GROUPS (by client certificate): what RBAC lets them do is what they can do."""
        file_name = "user-" + "".join(c if c.isalnum() else "-" for c in user)
        sign_client(self.state.pki, file_name, user=user, groups=groups)
        pair = {"client-certificate": f"{file_name}.crt", "client-key": f"{file_name}.key"}
        credentials = {key: str(self.state.pki / name) for key, name in pair.items()}
        return write_kubeconfig(self.state.config / f"{file_name}.conf", server=self.url, ca=self.ca, user=credentials)

    def service_account_token(self, namespace: str, name: str) -> str:
        """A token of the service account NAME, as a pod of it would carry."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        return str(self.admin.post(path, request)["status"]["token"])

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig that acts as the service account NAME."""
        user = {"token": self.service_account_token(namespace, name)}
        file = self.state.config / f"serviceaccount-{namespace}-{name}.conf"
        return write_kubeconfig(file, server=self.url, ca=self.ca, user=user)

    def start(self) -> Self:
        """Start everything and return when the API serves and its namespaces are there."""
        ensure_binaries(API_ONLY_MODULES)
        for attempt in range(1, _TRIES + 1):
            try:
                self._start_once()
            except ClusterError as failed:
                lost_a_port = "address already in use" in str(failed)
                self.stop()
                if not lost_a_port or attempt == _TRIES:
                    raise
                say("a port was taken in the meantime; trying others")
            else:
                return self
        raise AssertionError("unreachable: the last try returns or raises")

    def stop(self) -> None:
        """Stop all processes and remove the state; harmless when nothing runs."""
        if not self.state.path.exists():
            return
        stop_all(self.state, in_order=STOP_ORDER)
        self._dismiss_watchdog()
        self.state.remove()

    def restart_apiserver(self) -> None:
        """Stop the apiserver and start it again on the same port and data: what clients see in an upgrade."""
        stop(record for record in read_records(self.state) if record.name == "apiserver")
        self._launch(control_plane.apiserver(self.state, self.ends), self.admin.is_ready)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever happened."""
        self.stop()

    def _start_once(self) -> None:
        self.state = StateFolder(self._folder or Path(tempfile.mkdtemp(prefix="bankmodel-api-")))
        self.state.make("api-only")
        self._watchdog = _start_watchdog(self.state.path)
        self.ends = _free_endpoints()
        control_plane.write_credentials(self.state, self.ends)
        start(control_plane.etcd(self.state, self.ends), self.state)
        self._launch(control_plane.apiserver(self.state, self.ends), self.admin.is_ready)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        manager = control_plane.controller_manager(self.state, self.ends, without=_IN_VAIN if self._with_kwok else ())
        self._launch(manager, lambda: self.admin.exists(account))
        if self._with_kwok:
            self._start_kwok()

    def _start_kwok(self) -> None:
        start(control_plane.scheduler(self.state, self.ends), self.state)
        for name in self._nodes:
            self.admin.post("/api/v1/nodes", _fake_node(name))
        self._launch(_kwok(self.state), lambda: all(map(self._is_ready, self._nodes)))

    def _is_ready(self, name: str) -> bool:
        node = self.admin.get(f"/api/v1/nodes/{name}")
        conditions = {c["type"]: c["status"] for c in node.get("status", {}).get("conditions", [])}
        is_tainted = any(t["effect"] == "NoSchedule" for t in node["spec"].get("taints", []))
        return conditions.get("Ready") == "True" and not is_tainted

    def _launch(self, component: Component, is_up: Callable[[], bool]) -> None:
        start(component, self.state)
        log = self.state.logs / f"{component.name}.log"

        def is_up_and_alive() -> bool:
            all_still_run(self.state)
            return is_up()

        wait_until(
            is_up_and_alive,
            what=f"{component.name} ready",
            deadline_s=_DEADLINE_S,
            on_late=lambda: tail(log),
            quiet=True,
        )

    def _dismiss_watchdog(self) -> None:
        if self._watchdog and self._watchdog.stdin:
            self._watchdog.stdin.close()
            self._watchdog.wait(timeout=20)
        self._watchdog = None


def _start_watchdog(folder: Path) -> subprocess.Popen[bytes]:
    """A process that cleans FOLDER up when we are gone, also by kill -9: it sees the end of its standard input."""
    command = [sys.executable, "-m", "cluster.watchdog", str(folder)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env={"PYTHONPATH": str(CHECKOUT / "tests"), "PATH": "/usr/bin:/bin"},
    )


def _free_endpoints() -> Endpoints:
    """Five different ports that nobody on loopback uses just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(5)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        etcd, peer, api, manager, scheduler = (each.getsockname()[1] for each in sockets)
    return Endpoints(etcd=etcd, etcd_peer=peer, api=api, controller_manager=manager, scheduler=scheduler)


def _kwok(state: StateFolder) -> Component:
    binary = str(binary_folder("kwok") / "kwok")
    flags = [f"--kubeconfig={state.kubeconfig}", f"--config={_STAGES}", "--manage-all-nodes=true"]
    # The lease keeps the node Ready; without it the controller manager gives it up after 50 s.
    flags += ["--node-lease-duration-seconds=40", f"--cidr={_PODS}", "--node-ip=127.0.0.1"]
    return Component("kwok", (binary, *flags), env={"HOME": str(state.path)})


def _fake_node(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "spec": {"podCIDR": _PODS, "podCIDRs": [_PODS]},
    }
