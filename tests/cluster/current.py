"""`CLUSTER=current`: the cluster of the current kubeconfig context, only when named. We start, stop and load nothing there."""

import shutil
from pathlib import Path

from .commands import run
from .errors import ClusterError, CommandFailed, NotRunning, PrerequisiteMissing
from .oci import ArchivedImage
from .paths import StateFolder
from .progress import say
from .wrappers import write_wrappers

__all__ = ["build_images", "down", "load", "status", "up"]

_NOT_OURS = (
    "CLUSTER=current uses a cluster that is not ours, so images are not loaded into its nodes: push them to a registry it "
    "reads from and name them there (BANKMODEL_SERVING_IMAGE, and the image in manifests/operator)"
)


def up(state: StateFolder) -> None:
    """Write the wrappers for the current context, after a look whether it answers."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise PrerequisiteMissing("CLUSTER=current needs kubectl on the PATH")
    context = _context(kubectl)
    state.make("current")
    state.kubeconfig.write_text(run([kubectl, "config", "view", "--minify", "--flatten"]))
    state.kubeconfig.chmod(0o600)
    write_wrappers(state, kubectl=kubectl, needs_root=False)
    run([state.path / "kubectl", "version", "--request-timeout=10s"])
    say(f"using the current context {context}")


def _context(kubectl: str) -> str:
    try:
        return run([kubectl, "config", "current-context"]).strip()
    except CommandFailed as none:
        raise ClusterError(
            "CLUSTER=current: kubectl has no current context; `kubectl config use-context NAME` chooses one"
        ) from none


def down(state: StateFolder) -> None:
    """Forget it; the cluster itself is left alone."""
    state.remove()


def status(state: StateFolder) -> str:
    """The nodes."""
    if not state.kubeconfig.exists():
        raise NotRunning("not connected: `make cluster-up CLUSTER=current` connects to the current context")
    return run([state.path / "kubectl", "get", "nodes", "-o", "wide"])


def build_images(_state: StateFolder) -> dict[str, str]:
    """Refuse: see the message."""
    raise ClusterError(_NOT_OURS)


def load(_state: StateFolder, archive: Path) -> ArchivedImage:
    """Refuse: see the message."""
    raise ClusterError(f"{archive}: {_NOT_OURS}")
