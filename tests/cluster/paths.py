"""Where things are: the checkout, the cache outside it, and one state folder per cluster. Called by every other module."""

import hashlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import ClusterError

__all__ = ["CHECKOUT", "DEFAULT_NAME", "MODULES", "StateFolder", "cache_folder", "state_folder"]

CHECKOUT = Path(__file__).resolve().parents[2]
MODULES = Path(__file__).resolve().parent / "modules"
DEFAULT_NAME = "bankmodel"

# A unix socket's path holds at most 107 bytes; the longest of ours is 17 below the state folder.
_LONGEST_STATE_PATH = 85
_REMOVE_TRIES, _REMOVE_PAUSE_S = 20, 0.1


def cache_folder() -> Path:
    """What is costly to make and good for every checkout: binaries, the base image, wheels, image layers."""
    return Path(os.environ.get("BANKMODEL_CACHE") or Path.home() / ".cache" / "bankmodel").expanduser().absolute()


@dataclass(frozen=True)
class StateFolder:
    """Everything that one cluster writes lies below `path`, and `down` removes it."""

    path: Path

    @property
    def identity(self) -> str:
        """Names this cluster's network namespace and cgroup; unique on the machine, since it hashes the folder's path."""
        return "bankmodel-" + hashlib.sha256(str(self.path).encode()).hexdigest()[:8]

    @property
    def run_folder(self) -> Path:
        """Sockets of the container shims: outside `path`, since containerd wants their folder in 42 characters."""
        return Path("/run") / self.identity

    @property
    def kind(self) -> str | None:
        """Which kind of cluster lies here (node, kind, current), so that none is taken for another; None: none."""
        try:
            return (self.path / "kind").read_text().strip()
        except FileNotFoundError:
            return None

    @property
    def logs(self) -> Path:
        """One file per component."""
        return self.path / "logs"

    @property
    def records(self) -> Path:
        """One JSON file per started process: its id and start time."""
        return self.path / "processes"

    @property
    def pki(self) -> Path:
        """Certificates, keys and the token file."""
        return self.path / "pki"

    @property
    def config(self) -> Path:
        """Configuration files and the kubeconfigs of the components."""
        return self.path / "config"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.path / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Every API request at Metadata level, one JSON object a line: tests count writes with it."""
        return self.logs / "audit.log"

    @property
    def containerd_socket(self) -> Path:
        """Where the node's container runtime listens."""
        return self.path / "containerd.sock"

    def make(self, kind: str) -> None:
        """Create the folders, and note the KIND of cluster; git ignores all of it."""
        for folder in (self.logs, self.records, self.pki, self.config):
            folder.mkdir(parents=True, exist_ok=True)
        (self.path / ".gitignore").write_text("*\n")
        (self.path / "kind").write_text(f"{kind}\n")

    def remove(self) -> None:
        """Remove the folder; what an ending process still writes meanwhile is removed too."""
        for _ in range(_REMOVE_TRIES):
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                return
            time.sleep(_REMOVE_PAUSE_S)
        raise ClusterError(f"could not remove {self.path}: something still writes there (`fuser -vm {self.path}`)")


def state_folder(name: str, checkout: Path = CHECKOUT) -> StateFolder:
    """The state folder of the cluster NAME: `.cluster/` for the default one, `.cluster-NAME/` for a second."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?", name):
        raise ClusterError(f"cluster name {name!r}: use at most 16 lower-case letters, digits and dashes")
    path = checkout / (".cluster" if name == DEFAULT_NAME else f".cluster-{name}")
    if len(str(path)) > _LONGEST_STATE_PATH:
        raise ClusterError(f"{path} is too long for a unix socket below it: use a checkout with a shorter path")
    return StateFolder(path)
