"""The cgroup below which the kubelet puts its pods: one per cluster, so that two kubelets don't clear each other's. Called by node.

Works with cgroup v1 (a tree per controller) and v2 (one tree).
"""

import contextlib
from pathlib import Path

__all__ = ["create", "processes_in", "remaining", "remove"]

_MOUNT = Path("/sys/fs/cgroup")


def create(identity: str) -> None:
    """Make the cgroup IDENTITY with every controller on."""
    if _is_unified():
        _write(_MOUNT / "cgroup.subtree_control", " ".join(f"+{name}" for name in _unified_controllers()))
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


def _unified_controllers() -> list[str]:
    return (_MOUNT / "cgroup.controllers").read_text().split()


def _folders_below(top: Path) -> list[Path]:
    return [path for path in top.rglob("*") if path.is_dir()]


def _inherit_cpuset(tree: Path, folder: Path) -> None:
    """A new v1 cpuset is empty and takes no process until it is given its parent's processors and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not _is_unified() and (tree / name).exists():
            _write(folder / name, (tree / name).read_text())


def _write(file: Path, text: str) -> None:
    file.write_text(text.strip() + "\n")
