"""buildah with a storage of its own in the cache, so that it neither needs nor touches anybody's containers.

`chroot` isolation and the `vfs` driver work where user namespaces and nested overlays don't. Called by image_base and images.
"""

from collections.abc import Sequence
from pathlib import Path

from .commands import run, succeeds
from .paths import cache_folder

__all__ = ["buildah", "has_image", "image_cache"]


def image_cache() -> Path:
    """Where base image, wheels, layers and archives are kept."""
    folder = cache_folder() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def buildah(*words: str | Path, deadline_s: float = 600) -> str:
    """Run buildah on our storage."""
    return run([*_command(), *words], deadline_s=deadline_s, env={"BUILDAH_ISOLATION": "chroot"})


def has_image(name: str) -> bool:
    """Whether the storage has NAME."""
    return succeeds([*_command(), "inspect", "--type", "image", name])


def _command() -> Sequence[str | Path]:
    storage = image_cache() / "storage"
    return ["buildah", "--storage-driver", "vfs", "--root", storage / "root", "--runroot", storage / "run"]
