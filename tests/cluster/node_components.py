"""The command lines of the node's half: containerd, kubelet, kube-proxy and CoreDNS. Called by node."""

from . import control_plane, network, node_config
from .binaries import binary_folder
from .commands import environment
from .control_plane import Endpoints
from .paths import StateFolder
from .pki import NODE_NAME
from .processes import Component

__all__ = ["ENDS", "containerd", "coredns", "kubelet", "proxy"]

ENDS = Endpoints(node_address=network.NODE_ADDRESS)


def containerd(state: StateFolder) -> Component:
    """The container runtime; it finds its shim by the PATH."""
    config = node_config.write_containerd(state)
    node_config.write_network(state)
    folder = binary_folder("containerd")
    path = {"PATH": f"{folder}:{environment()['PATH']}"}
    return Component("containerd", (str(folder / "containerd"), "--config", str(config)), env=path)


def kubelet(state: StateFolder) -> Component:
    """The kubelet, all of whose state lies in our folder."""
    credentials = control_plane.component_kubeconfig(state, ENDS, "kubelet")
    root = state.path / "kubelet"
    flags = [f"--config={node_config.write_kubelet(state)}", f"--kubeconfig={credentials}"]
    flags += [f"--hostname-override={NODE_NAME}", f"--node-ip={network.NODE_ADDRESS}"]
    flags += [f"--root-dir={root}", f"--cert-dir={root}/pki"]
    return Component("kubelet", (str(binary_folder("kubernetes") / "kubelet"), *flags))


def proxy(state: StateFolder) -> Component:
    """kube-proxy, which makes the Services' addresses answer."""
    credentials = control_plane.component_kubeconfig(state, ENDS, "proxy")
    flags = [f"--kubeconfig={credentials}", "--proxy-mode=nftables", f"--hostname-override={NODE_NAME}"]
    flags += [f"--cluster-cidr={control_plane.POD_RANGE}", f"--bind-address={network.NODE_ADDRESS}"]
    # The machine's connection table is not ours to resize.
    flags += ["--conntrack-max-per-core=0"]
    return Component("proxy", (str(binary_folder("kubernetes") / "kube-proxy"), *flags))


def coredns(state: StateFolder) -> Component:
    """The cluster's DNS, as a process on the node."""
    program = binary_folder("coredns") / "coredns"
    return Component("coredns", (str(program), "-conf", str(node_config.write_coredns(state))))
