"""`CLUSTER=kind`: the same commands on a kind cluster, where Docker is there. Kept thin; run by the GitHub workflow `kind`."""

import shutil
import tempfile
from pathlib import Path

from .commands import run
from .errors import NotRunning, PrerequisiteMissing
from .images import IMAGES, build_context
from .oci import ArchivedImage, read_archive
from .paths import StateFolder
from .progress import stage
from .wrappers import write_wrappers

__all__ = ["build_images", "down", "load", "status", "up"]

_NAME = "bankmodel"
_NODE = f"{_NAME}-control-plane"
_CTR = ("docker", "exec", _NODE, "ctr", "--namespace=k8s.io", "images")
_COMMANDS = ("docker", "kind", "kubectl")


def up(state: StateFolder) -> None:
    """Create the kind cluster unless it is there, and write the wrappers."""
    if missing := [command for command in _COMMANDS if shutil.which(command) is None]:
        raise PrerequisiteMissing(
            f"CLUSTER=kind needs {', '.join(missing)} on the PATH; without Docker leave CLUSTER unset"
        )
    state.make()
    if not _is_up():
        with stage("creating the kind cluster"):
            run(["kind", "create", "cluster", "--name", _NAME, "--wait", "180s"], deadline_s=600)
    state.kubeconfig.write_text(run(["kind", "get", "kubeconfig", "--name", _NAME]))
    write_wrappers(state, kubectl=str(shutil.which("kubectl")), needs_root=False)


def down(state: StateFolder) -> None:
    """Delete the kind cluster."""
    run(["kind", "delete", "cluster", "--name", _NAME], deadline_s=300)
    shutil.rmtree(state.path, ignore_errors=True)


def status(state: StateFolder) -> str:
    """The nodes."""
    _require_up(state)
    return run([state.path / "kubectl", "get", "nodes", "-o", "wide"])


def build_images(state: StateFolder) -> dict[str, str]:
    """Build with Docker on the Dockerfiles' own base and load into the node; each part's image by name."""
    _require_up(state)
    for image in IMAGES:
        with stage(f"building {image.name}"), tempfile.TemporaryDirectory() as context:
            build_context(image, Path(context))
            run(["docker", "build", "-q", "-t", image.name, "-f", image.dockerfile, context], deadline_s=1200)
            run(["kind", "load", "docker-image", "--name", _NAME, image.name], deadline_s=300)
    return {image.part: image.name for image in IMAGES}


def load(state: StateFolder, archive: Path) -> ArchivedImage:
    """Import an OCI archive under its tag and its digest."""
    _require_up(state)
    image = read_archive(archive)
    run(["kind", "load", "image-archive", "--name", _NAME, archive], deadline_s=300)
    run([*_CTR, "tag", "--force", image.name, image.by_digest])
    return image


def _is_up() -> bool:
    return _NAME in run(["kind", "get", "clusters"]).split()


def _require_up(state: StateFolder) -> None:
    if not state.kubeconfig.exists() or not _is_up():
        raise NotRunning("no kind cluster `bankmodel`: `make cluster-up CLUSTER=kind` makes one")
