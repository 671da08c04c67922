"""The image of examples/batch, by its own Dockerfile on the serving image of this checkout. Called by the end-to-end test of the job.

Built without a network: pip is told by a file that is mounted for the build to take the wheels of requirements/batch.lock.
"""

from pathlib import Path

from .image_storage import alone, buildah, image_cache, image_id, scratch_folder
from .images import IMAGES, build
from .paths import CHECKOUT
from .progress import stage
from .wheels import dependency_wheels, file_hash

__all__ = ["NAME", "build_batch_image"]

NAME = "localhost/bankmodel-batch:dev"
_DOCKERFILE = CHECKOUT / "examples" / "batch" / "Dockerfile"
_LOCK = CHECKOUT / "requirements" / "batch.lock"
_PIP = "[install]\nno-index = true\nfind-links = /wheels\n"


def build_batch_image() -> Path:
    """The image as an OCI archive in the cache; not built again while its inputs are the same."""
    with alone():
        serving = build(IMAGES[0])
        archive = image_cache() / f"batch-{file_hash([_DOCKERFILE, _LOCK])}-{serving.stem}.tar"
        if not archive.exists():
            for old in image_cache().glob("batch-*.tar"):
                old.unlink()
            with stage(f"building {NAME}"):
                _build(serving, dependency_wheels("batch"), archive)
    return archive


def _build(serving: Path, wheels: Path, archive: Path) -> None:
    base, before = buildah("pull", "--quiet", f"oci-archive:{serving}").strip(), image_id(NAME)
    half = archive.with_name(f".half-{archive.name}")
    with scratch_folder() as folder:
        settings = folder / "pip.conf"
        settings.write_text(_PIP)
        mounts = ("--volume", f"{wheels}:/wheels:ro", "--volume", f"{settings}:/etc/pip.conf:ro")
        words = ("build", "--quiet", "--pull-never", *mounts, "--build-arg", f"SERVING={base}", "-t", NAME)
        buildah(*words, "-f", _DOCKERFILE, folder)
    buildah("push", "--quiet", "--disable-compression", NAME, f"oci-archive:{half}:{NAME}")
    half.rename(archive)
    if before and before != image_id(NAME):
        buildah("rmi", before)
