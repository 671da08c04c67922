"""The cluster's network namespace: loopback, one address for the node, the Service range, and no way out. Called by node.

There is no default route, so nothing inside can reach beyond this machine, and two clusters with the same addresses don't
meet. Components enter with `nsenter --net`, never with `ip netns exec`: that remounts /sys and hides the cgroups.
"""

from pathlib import Path

from .commands import run, succeeds
from .control_plane import SERVICE_RANGE
from .errors import PrerequisiteMissing

__all__ = ["NODE_ADDRESS", "create", "delete", "enter", "exists", "filters_bridges", "namespace_file"]

NODE_ADDRESS = "192.168.77.1"
_FOLDER = Path("/run/netns")
_BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def namespace_file(identity: str) -> Path:
    """The file that keeps the namespace IDENTITY alive."""
    return _FOLDER / identity


def enter(identity: str) -> tuple[str, ...]:
    """The words before a command that make it run inside."""
    return ("nsenter", f"--net={namespace_file(identity)}", "--")


def exists(identity: str) -> bool:
    """Whether the namespace is there."""
    return namespace_file(identity).exists()


def create(identity: str) -> None:
    """Make the namespace. A veth pair carries the node's address, since `dummy` is missing from some kernels."""
    _ensure_bridge_filter()
    run(["ip", "netns", "add", identity])
    for words in (
        "link set lo up",
        "link add node0 type veth peer name node0-peer",
        "link set node0-peer up",
        f"addr add {NODE_ADDRESS}/32 dev node0",
        "link set node0 up",
        f"route add {SERVICE_RANGE} dev node0",
    ):
        run(["ip", "-n", identity, *words.split()])
    # A bridge that forwards nothing would leave pods without each other.
    run([*enter(identity), "sysctl", "-qw", "net.ipv4.ip_forward=1"])


def filters_bridges() -> bool:
    """Whether the kernel has br_netfilter loaded."""
    return _BRIDGE_FILTER.exists()


def _ensure_bridge_filter() -> None:
    """Without it the answers of a Service's pod to a pod on the same bridge keep the pod's own address, and are not understood."""
    if not filters_bridges() and not (succeeds(["modprobe", "br_netfilter"]) and filters_bridges()):
        raise PrerequisiteMissing("the kernel's module br_netfilter is not loaded: run `modprobe br_netfilter`")


def delete(identity: str) -> None:
    """Remove the namespace; harmless when it is gone."""
    if exists(identity):
        run(["ip", "netns", "delete", identity])
