"""The base of our images where no registry is reached: a minimal Debian with Python, by debootstrap, once, kept in the cache.

Where python:3.11-slim can be had it is the Dockerfiles' default and this is not used. Called by images and prerequisites.
"""

import hashlib
import shutil
from pathlib import Path

from .commands import run
from .errors import ClusterError
from .image_storage import buildah, has_image, image_cache, run_guarded
from .leftovers import unmount_below
from .progress import stage

__all__ = ["base_image", "base_is_built"]

# Debian 12's Python is 3.11, which the images' wheels are for.
_SUITE = "bookworm"
_PACKAGES = "python3-minimal,libpython3.11-stdlib,python3-pip,ca-certificates"
_NOT_NEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/cache/debconf",
    "var/log",
)
_FALLBACK_MIRROR = "http://deb.debian.org/debian"
_DEADLINE_S = 900.0


def base_is_built() -> bool:
    """Whether the archive is in the cache."""
    return _archive().exists()


def base_image() -> str:
    """The base's name in our storage, made or loaded when it is not there."""
    name = f"localhost/bankmodel-base:{_fingerprint()}"
    if not base_is_built():
        with stage(f"making the base image with debootstrap ({_SUITE}; once, about a minute)"):
            _make(_archive(), name)
    if not has_image(name):
        image_id = buildah("pull", "--quiet", f"oci-archive:{_archive()}").strip()
        buildah("tag", image_id, name)
    return name


def _fingerprint() -> str:
    return hashlib.sha256(f"{_SUITE} {_PACKAGES} {_NOT_NEEDED}".encode()).hexdigest()[:12]


def _archive() -> Path:
    return image_cache() / f"base-{_fingerprint()}.tar"


def _make(archive: Path, name: str) -> None:
    root = image_cache() / ".half-base"
    _discard(root)
    try:
        options = ["--variant=minbase", f"--include={_PACKAGES}"]
        run_guarded(["debootstrap", *options, _SUITE, root, _mirror()], deadline_s=_DEADLINE_S)
        for folder in _NOT_NEEDED:
            _empty(root / folder)
        _commit(root, archive, name)
    finally:
        _discard(root)


def _commit(root: Path, archive: Path, name: str) -> None:
    container = buildah("from", "scratch").strip()
    half = archive.with_name(f".half-{archive.name}")
    try:
        buildah("copy", "--quiet", container, root, "/")
        buildah("commit", "--quiet", "--disable-compression", container, f"oci-archive:{half}:{name}")
        half.rename(archive)
    finally:
        buildah("rm", container)


def _discard(root: Path) -> None:
    """Remove a root file system; debootstrap mounts /proc and /sys in it and may have been killed before it unmounted them."""
    unmount_below(root)
    shutil.rmtree(root, ignore_errors=True)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def _mirror() -> str:
    """The machine's own Debian mirror."""
    try:
        lines = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"]).splitlines()
    except ClusterError:
        return _FALLBACK_MIRROR
    mirrors = [line.split()[0] for line in lines if "debian" in line and "security" not in line]
    return mirrors[0] if mirrors else _FALLBACK_MIRROR
