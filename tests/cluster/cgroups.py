"""The cgroup below which the kubelet puts its pods: one per cluster, so that two kubelets don't clear each other's. Called by node.

Works with cgroup v1 (a tree per controller) and v2 (one tree).
"""

import contextlib
import errno
from pathlib import Path

__all__ = ["create", "processes_in", "remaining", "remove"]

_MOUNT = Path("/sys/fs/cgroup")


def create(identity: str) -> None:
    """Make the cgroup IDENTITY with every controller on."""
    if _is_unified():
        _pass_on_controllers(_MOUNT)
    for tree in _trees():
        folder = tree / identity
        folder.mkdir(exist_ok=True)
        _inherit_cpuset(tree, folder)


def remaining(identity: str) -> list[Path]:
    """The cgroup's folders that exist, the deepest first."""
    tops = [tree / identity for tree in _trees() if (tree / identity).is_dir()]
    return sorted((folder for top in tops for folder in (top, *_folders_below(top))), reverse=True)


def processes_in(identity: str) -> set[int]:
    """The ids of all processes in it: those of the cluster's containers."""
    found: set[int] = set()
    for folder in remaining(identity):
        with contextlib.suppress(OSError):
            found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
    return found


def remove(identity: str) -> None:
    """Remove the empty cgroups; one that still holds a process stays and shows in `remaining`."""
    for folder in remaining(identity):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _is_unified() -> bool:
    return (_MOUNT / "cgroup.controllers").exists()


def _trees() -> list[Path]:
    if _is_unified():
        return [_MOUNT]
    return sorted(tree for tree in _MOUNT.iterdir() if (tree / "cgroup.procs").exists() and not tree.is_symlink())


def _pass_on_controllers(top: Path) -> None:
    """Let the cgroups below TOP have its controllers.

    In a container TOP is no root, and as long as it holds processes the kernel refuses; so they step into one below, as in
    Docker's own images that run Docker.
    """
    wanted = " ".join(f"+{name}" for name in (top / "cgroup.controllers").read_text().split())
    try:
        _write(top / "cgroup.subtree_control", wanted)
    except OSError as refused:
        if refused.errno != errno.EBUSY:
            raise
        _step_aside(top)
        _write(top / "cgroup.subtree_control", wanted)


def _step_aside(top: Path) -> None:
    (top / "init").mkdir(exist_ok=True)
    for pid in (top / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            _write(top / "init" / "cgroup.procs", pid)


def _folders_below(top: Path) -> list[Path]:
    return [path for path in top.rglob("*") if path.is_dir()]


def _inherit_cpuset(tree: Path, folder: Path) -> None:
    """A new v1 cpuset is empty and takes no process until it is given its parent's processors and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not _is_unified() and (tree / name).exists():
            _write(folder / name, (tree / name).read_text())


def _write(file: Path, text: str) -> None:
    file.write_text(text.strip() + "\n")
