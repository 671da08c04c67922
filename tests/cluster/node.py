"""The full cluster: one real Kubernetes node on this machine, without Docker. `up`, `down` and `status` of the command line.

Everything is started as an ordinary process inside the cluster's own network namespace and outlives the command that
started it; what it leaves is described in leftovers.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from . import cgroups, control_plane, leftovers, network, node_components, node_config
from .binaries import NODE_MODULES, binary_folder, ensure_binaries
from .commands import SYSTEM_PATH, run, succeeds
from .errors import ClusterError, NotRunning, PrerequisiteMissing
from .locks import exclusive
from .node_components import ENDS
from .oci import write_archive
from .paths import StateFolder, cache_folder
from .pki import NODE_NAME
from .processes import Component, all_still_run, is_alive, read_records, start, stop, stop_all
from .progress import say, stage, tail, wait_until
from .wrappers import write_wrappers

__all__ = [
    "COMPONENTS",
    "containerd_command",
    "down",
    "is_started",
    "is_whole",
    "require_running",
    "start_inside",
    "start_kubelet",
    "status",
    "up",
    "wait_ready",
]

COMPONENTS = ("etcd", "apiserver", "controller-manager", "scheduler", "containerd", "kubelet", "proxy", "coredns")

# The kubelet first, or it starts anew what is being stopped; containerd lives on until its containers are gone.
_STOP_FIRST = ("kubelet", "metrics-server", "proxy", "coredns", "scheduler", "controller-manager")
_STOP_LAST = ("containerd", "apiserver", "etcd")
_DEADLINE_S = 90.0
_LOCK_DEADLINE_S = 300.0
_KUBELET_LOCK = Path("/run/bankmodel-kubelet.lock")


def up(state: StateFolder) -> None:
    """Start the cluster and return when its node is Ready; does nothing when it runs already."""
    _require_root()
    ensure_binaries(NODE_MODULES)
    with _alone(state):
        if is_whole(state):
            say(f"the cluster at {_shown(state.path)} is already up")
            return
        if state.path.exists() or leftovers.find(state):
            say(f"removing what is left of an earlier cluster at {_shown(state.path)}")
            _down(state)
        try:
            _start_all(state)
        except ClusterError:
            say(f"logs are in {_shown(state.logs)}; `make cluster-down` removes what was started")
            raise


def _start_all(state: StateFolder) -> None:
    began = time.monotonic()
    _prepare(state)
    _start_control_plane(state)
    _start_node(state)
    say(f"the cluster is up after {time.monotonic() - began:.1f} s; try {_shown(state.path)}/kubectl get nodes")


def down(state: StateFolder) -> None:
    """Stop and remove everything of the cluster; works after a crash too and when nothing runs."""
    if not state.path.exists() and not leftovers.find(state):
        say("no cluster to stop")
        return
    _require_root()
    with _alone(state):
        _down(state)


def _down(state: StateFolder) -> None:
    with stage(f"stopping the cluster at {_shown(state.path)}"):
        stop(record for record in read_records(state) if record.name in _STOP_FIRST)
        _remove_containers(state)
        stop_all(state, in_order=_STOP_LAST)
        leftovers.remove(state)
        state.remove()


def status(state: StateFolder) -> str:
    """A line a component, then the node."""
    running = {record.name: record.pid for record in read_records(state) if is_alive(record)}
    lines = [f"{name:20} {f'running ({running[name]})' if name in running else 'stopped'}" for name in COMPONENTS]
    if is_whole(state):
        lines.append(run([state.path / "kubectl", "get", "nodes", "-o", "wide"]))
    return "\n".join(lines)


def is_whole(state: StateFolder) -> bool:
    """Whether every component runs and the node is Ready."""
    return all(is_started(state, name) for name in COMPONENTS) and _node_is_ready(state)


def is_started(state: StateFolder, name: str) -> bool:
    """Whether the component NAME runs."""
    return any(record.name == name and is_alive(record) for record in read_records(state))


def require_running(state: StateFolder) -> None:
    """Raise unless the cluster is up."""
    if not is_whole(state):
        raise NotRunning(f"no cluster is running at {state.path}: `make cluster-up` starts one")


def containerd_command(state: StateFolder) -> tuple[str, ...]:
    """`ctr` for this node's images and containers."""
    return (str(binary_folder("containerd") / "ctr"), "-a", str(state.containerd_socket), "-n", "k8s.io")


def _alone(state: StateFolder) -> AbstractContextManager[int]:
    """One `up` or `down` of a cluster at a time; the lock is outside its folder, which `down` removes."""
    file = cache_folder() / "locks" / state.identity
    return exclusive(file, what=f"another `up` or `down` of {_shown(state.path)}", deadline_s=_LOCK_DEADLINE_S)


def _prepare(state: StateFolder) -> None:
    state.make("node")
    network.create(state.identity)
    cgroups.create(state.identity)
    control_plane.write_credentials(state, ENDS)
    prefix = network.enter(state.identity)
    write_wrappers(state, kubectl=control_plane.kubectl(), prefix=prefix, needs_root=True)


def _start_control_plane(state: StateFolder) -> None:
    with stage("starting etcd and kube-apiserver"):
        start_inside(state, control_plane.etcd(state, ENDS))
        start_inside(state, control_plane.apiserver(state, ENDS))
        wait_ready(state, "apiserver", lambda: _kubectl_succeeds(state, "get", "--raw", "/readyz"))
    start_inside(state, control_plane.controller_manager(state, ENDS))
    start_inside(state, control_plane.scheduler(state, ENDS))


def _start_node(state: StateFolder) -> None:
    with stage("starting containerd and kubelet"):
        start_inside(state, node_components.containerd(state))
        wait_ready(state, "containerd", lambda: succeeds([*containerd_command(state), "version"]))
        _import_pause_image(state)
        for component in (node_components.proxy, node_components.coredns):
            start_inside(state, component(state))
        start_kubelet(state)
    wait_ready(state, "controller-manager", lambda: _kubectl_succeeds(state, "get", "serviceaccount", "default"))
    wait_ready(state, "coredns", lambda: _dns_answers(state))


def start_kubelet(state: StateFolder) -> None:
    """Start the kubelet and wait until its node is Ready: one on this machine at a time.

    Each clears /var/lib/kubelet/device-plugins, which no flag moves, and then listens there: of two that do so at once one ends.
    """
    with exclusive(_KUBELET_LOCK, what="the start of another cluster's kubelet", deadline_s=_LOCK_DEADLINE_S):
        start_inside(state, node_components.kubelet(state))
        wait_ready(state, "kubelet", lambda: _node_is_ready(state))


def start_inside(state: StateFolder, component: Component) -> None:
    """Start COMPONENT in the cluster's network."""
    inside = Component(component.name, (*network.enter(state.identity), *component.argv), component.env)
    start(inside, state)


def wait_ready(state: StateFolder, name: str, is_up: Callable[[], bool]) -> None:
    """Wait for NAME; if a component ends meanwhile, say so at once instead of waiting on."""

    def is_up_and_whole() -> bool:
        all_still_run(state)
        return is_up()

    log = state.logs / f"{name}.log"
    wait_until(is_up_and_whole, what=f"{name} ready", deadline_s=_DEADLINE_S, on_late=lambda: tail(log))


def _kubectl_succeeds(state: StateFolder, *words: str) -> bool:
    return succeeds([state.path / "kubectl", "--request-timeout=5s", *words])


def _node_is_ready(state: StateFolder) -> bool:
    query = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    if not (state.path / "kubectl").exists():
        return False
    return _kubectl_output(state, "get", "node", NODE_NAME, query) == "True"


def _kubectl_output(state: StateFolder, *words: str) -> str:
    try:
        return run([state.path / "kubectl", "--request-timeout=5s", *words], deadline_s=10)
    except ClusterError:
        return ""


def _busybox() -> Path:
    found = shutil.which("busybox", path=f"/bin:{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}")
    if found is None:
        raise PrerequisiteMissing("busybox: not found; `python -m cluster prerequisites` says what to install")
    return Path(found)


def _dns_answers(state: StateFolder) -> bool:
    lookup = [str(_busybox()), "nslookup", "-type=a", "kubernetes.default.svc.cluster.local", network.NODE_ADDRESS]
    return succeeds([*network.enter(state.identity), *lookup])


def _import_pause_image(state: StateFolder) -> None:
    """The sandbox of every pod: a process that sleeps."""
    archive = state.path / "pause.tar"
    entrypoint = ["/bin/busybox", "sleep", "2147483647"]
    files = {"/bin/busybox": _busybox().read_bytes()}
    write_archive(archive, name=node_config.PAUSE_IMAGE, files=files, entrypoint=entrypoint)
    run([*containerd_command(state), "images", "import", archive])
    archive.unlink()


def _remove_containers(state: StateFolder) -> None:
    """Kill the containers through containerd while it lives; what it does not remove, leftovers finds by cgroup."""
    tasks = _task_ids(state)
    for task in tasks:
        succeeds([*containerd_command(state), "tasks", "kill", "--signal", "SIGKILL", task])
    for task in tasks:
        succeeds([*containerd_command(state), "tasks", "delete", "--force", task])


def _task_ids(state: StateFolder) -> list[str]:
    if not is_started(state, "containerd"):
        return []
    try:
        return run([*containerd_command(state), "tasks", "list", "--quiet"], deadline_s=10).split()
    except ClusterError:
        return []


def _require_root() -> None:
    if os.geteuid() != 0:
        raise ClusterError(
            "the full cluster makes network namespaces and mounts: run this as root (sudo), or use CLUSTER=kind"
        )


def _shown(path: Path) -> str:
    """PATH as a person would type it from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
