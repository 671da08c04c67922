"""Builds the two images from the ordinary Dockerfiles and brings images to the node: `python -m cluster images` and `load`.

An image whose inputs (sources, lock, Dockerfile, base) are unchanged is not built again; one the node has is not imported.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .commands import run
from .image_base import base_image
from .image_storage import alone, buildah, image_cache, image_id, scratch_folder
from .node import containerd_command, require_running
from .oci import ArchivedImage, read_archive
from .paths import CHECKOUT, StateFolder
from .progress import say, stage
from .wheels import dependency_wheels, file_hash, project_hash, project_wheel

__all__ = ["IMAGES", "Image", "build", "build_context", "build_images", "load"]

_KEPT_ARCHIVES = 2


@dataclass(frozen=True)
class Image:
    """One of the project's images; PART is the folder of its Dockerfile and the name of its lock file."""

    part: str

    @property
    def name(self) -> str:
        """Its name with tag."""
        return f"localhost/bankmodel-{self.part}:dev"

    @property
    def dockerfile(self) -> Path:
        """Its Dockerfile."""
        return CHECKOUT / self.part / "Dockerfile"

    @property
    def lock(self) -> Path:
        """The versions and hashes of what goes in."""
        return CHECKOUT / "requirements" / f"{self.part}.lock"


IMAGES = (Image("serving"), Image("operator"))


def build_images(state: StateFolder) -> dict[str, str]:
    """Build what changed and bring it to the node; each part's image by digest.

    Earlier builds stay on the node: a revision keeps the image it was made with, and only their last layer is their own.
    """
    require_running(state)
    with alone():
        return {image.part: load(state, build(image)).by_digest for image in IMAGES}


def build(image: Image) -> Path:
    """The image as an OCI archive in the cache."""
    base = base_image()
    inputs = f"{file_hash([image.dockerfile, image.lock])}-{project_hash()}-{base.rpartition(':')[2]}"
    archive = image_cache() / f"{image.part}-{inputs}.tar"
    if archive.exists():
        say(f"{image.name}: unchanged")
        return archive
    with stage(f"building {image.name}"), scratch_folder() as context:
        build_context(image, context)
        before = image_id(image.name)
        words = ("build", "--quiet", "--layers", "--pull-never", "--build-arg", f"BASE={base}", "-t", image.name)
        buildah(*words, "-f", image.dockerfile, context)
        half = archive.with_name(f".half-{archive.name}")
        half.unlink(missing_ok=True)
        buildah("push", "--quiet", "--disable-compression", image.name, f"oci-archive:{half}:{image.name}")
        half.rename(archive)
        if before and before != image_id(image.name):
            buildah("rmi", before)
    _forget_old_archives(image)
    return archive


def build_context(image: Image, folder: Path) -> None:
    """Fill FOLDER with what the Dockerfile copies: `dependencies/` and `project/`, both full of wheels."""
    shutil.copytree(dependency_wheels(image.part), folder / "dependencies", copy_function=_link)
    shutil.copytree(project_wheel(), folder / "project", copy_function=_link)
    folder.chmod(0o755)


def load(state: StateFolder, archive: Path) -> ArchivedImage:
    """Import ARCHIVE under its tag and under its digest, so that a pod may name it either way."""
    require_running(state)
    image = read_archive(archive)
    if image.by_digest in _names_on_node(state, image):
        say(f"{image.name}: already on the node as {image.digest[:19]}")
    else:
        with stage(f"importing {image.name}"):
            _ctr(state, "import", str(archive))
    for name in {image.name, image.by_digest}:
        _ctr(state, "tag", "--force", _source(state, image), name)
    return image


def _names_on_node(state: StateFolder, image: ArchivedImage) -> set[str]:
    """The node's names for exactly this image."""
    return {words[0] for words in _listed(state) if words[2] == image.digest}


def _source(state: StateFolder, image: ArchivedImage) -> str:
    return min(_names_on_node(state, image))


def _listed(state: StateFolder) -> list[list[str]]:
    """`ctr images list` as words: name, type, digest, ..."""
    rows = _ctr(state, "list").splitlines()[1:]
    return [words for row in rows if len(words := row.split()) > 2]


def _ctr(state: StateFolder, *words: str) -> str:
    return run([*containerd_command(state), "images", *words], deadline_s=300)


def _forget_old_archives(image: Image) -> None:
    archives = sorted(image_cache().glob(f"{image.part}-*.tar"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in archives[_KEPT_ARCHIVES:]:
        old.unlink()


def _link(source: str, target: str) -> None:
    os.link(source, target)
