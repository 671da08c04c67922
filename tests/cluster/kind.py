"""`CLUSTER=kind`: the same commands on a kind cluster, where Docker is there. Kept thin; run by the GitHub workflow `kind`."""

import shutil
from pathlib import Path

from .commands import run
from .errors import NotRunning, PrerequisiteMissing
from .image_storage import alone, scratch_folder
from .images import IMAGES, build_context
from .oci import ArchivedImage, read_archive
from .paths import StateFolder
from .progress import stage
from .wrappers import write_wrappers

__all__ = ["build_images", "down", "load", "status", "up"]

_COMMANDS = ("docker", "kind", "kubectl")


def up(state: StateFolder) -> None:
    """Create a kind cluster of our own unless it is there, and write the wrappers."""
    if missing := [command for command in _COMMANDS if shutil.which(command) is None]:
        raise PrerequisiteMissing(
            f"CLUSTER=kind needs {', '.join(missing)} on the PATH; without Docker leave CLUSTER unset"
        )
    state.make("kind")
    if not _is_up(state):
        with stage("creating the kind cluster"):
            run(["kind", "create", "cluster", "--name", state.identity, "--wait", "180s"], deadline_s=600)
    state.kubeconfig.write_text(run(["kind", "get", "kubeconfig", "--name", state.identity]))
    write_wrappers(state, kubectl=str(shutil.which("kubectl")), needs_root=False)


def down(state: StateFolder) -> None:
    """Delete the kind cluster."""
    run(["kind", "delete", "cluster", "--name", state.identity], deadline_s=300)
    state.remove()


def status(state: StateFolder) -> str:
    """The nodes."""
    _require_up(state)
    return run([state.path / "kubectl", "get", "nodes", "-o", "wide"])


def build_images(state: StateFolder) -> dict[str, str]:
    """Build with Docker on the Dockerfiles' own base and load into the node; each part's image by name."""
    _require_up(state)
    for image in IMAGES:
        with alone(), stage(f"building {image.name}"), scratch_folder() as context:
            build_context(image, context)
            run(["docker", "build", "-q", "-t", image.name, "-f", image.dockerfile, context], deadline_s=1200)
            run(["kind", "load", "docker-image", "--name", state.identity, image.name], deadline_s=300)
    return {image.part: image.name for image in IMAGES}


def load(state: StateFolder, archive: Path) -> ArchivedImage:
    """Import an OCI archive under its tag and its digest."""
    _require_up(state)
    image = read_archive(archive)
    run(["kind", "load", "image-archive", "--name", state.identity, archive], deadline_s=300)
    run([*_ctr(state), "images", "tag", "--force", image.name, image.by_digest])
    return image


def _ctr(state: StateFolder) -> tuple[str, ...]:
    """`ctr` inside the one node, which is a container."""
    return ("docker", "exec", f"{state.identity}-control-plane", "ctr", "--namespace=k8s.io")


def _is_up(state: StateFolder) -> bool:
    return state.identity in run(["kind", "get", "clusters"]).split()


def _require_up(state: StateFolder) -> None:
    if not state.kubeconfig.exists() or not _is_up(state):
        raise NotRunning("no kind cluster here: `make cluster-up CLUSTER=kind` makes one")
