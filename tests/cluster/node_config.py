"""The configuration files of the node's half: containerd, CNI, kubelet, CoreDNS. Each flag that surprises says why. Called by node."""

import json
from pathlib import Path

from .binaries import binary_folder
from .network import NODE_ADDRESS
from .paths import StateFolder

__all__ = ["PAUSE_IMAGE", "write_containerd", "write_coredns", "write_kubelet", "write_network"]

PAUSE_IMAGE = "localhost/pause:1"
_POD_SUBNET = "10.244.0.0/24"


def write_containerd(state: StateFolder) -> Path:
    """containerd's TOML.

    `restrict_oom_score_adj`: without CAP_SYS_RESOURCE every sandbox dies with "can't get final child's PID from pipe".
    `netns_mounts_under_state_dir`, `socket_dir`, `Root`: namespaces, shim sockets and runc's state lie in folders of our own, so
    that we know them for ours when cleaning up; by default the latter two stay in /run/containerd after a crash.
    """
    root = state.path / "containerd"
    return _write(
        state.config / "containerd.toml",
        f"""version = 3
root = "{root}/root"
state = "{root}/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "{state.containerd_socket}"
[plugins."io.containerd.shim.v1.manager"]
  socket_dir = "{state.run_folder}"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.runtime"]
  enable_unprivileged_ports = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{binary_folder("containerd")}"]
    conf_dir = "{state.config}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "{root}/runc"
""",
    )


def write_network(state: StateFolder) -> Path:
    """A plain bridge with hairpin, so that a pod reaches itself through its Service. It enforces no NetworkPolicy."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": _POD_SUBNET}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(state.path / "addresses"),
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses}
    folder = state.config / "cni"
    folder.mkdir(exist_ok=True)
    config = {"cniVersion": "1.0.0", "name": "bankmodel", "plugins": [bridge]}
    return _write(folder / "10-bankmodel.conflist", json.dumps(config, indent=1))


def write_kubelet(state: StateFolder) -> Path:
    """The kubelet's configuration.

    `cgroupRoot`: our own, or a second cluster's kubelet removes our pods' cgroups as orphans. `failCgroupV1`: some machines
    still have v1. `enforceNodeAllocatable`: we may not limit the machine. `syncFrequency`: ConfigMaps reach pods sooner.
    """
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(state.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{state.identity}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{state.containerd_socket}",
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(_write(state.config / "resolv.conf", "")),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi"},
        "enforceNodeAllocatable": [],
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(state.path / "pod-logs"),
        "syncFrequency": "10s",
    }
    return _write(state.config / "kubelet.json", json.dumps(config, indent=1))


def write_coredns(state: StateFolder) -> Path:
    """CoreDNS as a process on the node's address: cluster names only, everything else is refused."""
    return _write(
        state.config / "Corefile",
        f""".:53 {{
  bind {NODE_ADDRESS}
  errors
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {state.kubeconfig}
    ttl 2
  }}
}}
""",
    )


def _write(file: Path, text: str) -> Path:
    file.write_text(text)
    return file
