"""The wheels that go into the images: dependencies by the lock files (hashes checked) and the project's own. Called by images.

They are fetched outside the image build, which then needs no network.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.markers import Marker

from .image_storage import image_cache, run_guarded
from .paths import CHECKOUT
from .progress import stage

__all__ = ["dependency_wheels", "file_hash", "lines_for_image", "project_hash", "project_wheel"]

_PYTHON = "3.11"
# Debian 12 has glibc 2.36; pip wants every older tag by name.
_GLIBC_MINORS = (17, 24, 26, 27, 28, 31, 34, 35, 36)
_SOURCES = ("operator/src", "serving/src")
_FILES = ("pyproject.toml", "README.md", "LICENSE")
_IMAGE_ENVIRONMENT = {
    "python_version": _PYTHON,
    "python_full_version": f"{_PYTHON}.2",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
}
_DEADLINE_S = 1200.0


def dependency_wheels(part: str) -> Path:
    """A folder with the wheels of `requirements/PART.lock`."""
    lock = CHECKOUT / "requirements" / f"{part}.lock"
    folder = image_cache() / f"wheels-{part}-{file_hash([lock])}"
    if not folder.exists():
        with stage(f"fetching the wheels of requirements/{part}.lock"):
            _download(lock, folder)
    return folder


def project_wheel() -> Path:
    """A folder with the project's wheel, built from the checkout as it is now."""
    folder = image_cache() / f"project-{project_hash()}"
    if not folder.exists():
        for old in image_cache().glob("project-*"):
            shutil.rmtree(old, ignore_errors=True)
        with stage("building the project's wheel"):
            half = _half(folder)
            run_guarded(
                [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", half, CHECKOUT],
                deadline_s=_DEADLINE_S,
            )
            half.rename(folder)
    return folder


def project_hash() -> str:
    """Changes whenever a file that goes into the wheel does."""
    sources = (path for folder in _SOURCES for path in (CHECKOUT / folder).rglob("*"))
    return file_hash(path for path in (*sources, *(CHECKOUT / name for name in _FILES)) if _counts(path))


def file_hash(files: Iterable[Path]) -> str:
    """A short hash of the names and contents of FILES."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(CHECKOUT)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _download(lock: Path, folder: Path) -> None:
    half = _half(folder)
    target = [
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={_PYTHON}",
        "--platform=manylinux2014_x86_64",
    ]
    target += [f"--platform=manylinux_2_{minor}_x86_64" for minor in _GLIBC_MINORS]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    chosen = half / "chosen.lock"
    chosen.write_text(lines_for_image(lock.read_text()))
    run_guarded([*command, *target, "-r", chosen, "-d", half], deadline_s=_DEADLINE_S)
    chosen.unlink()
    half.rename(folder)


def lines_for_image(lock: str) -> str:
    """LOCK with what is meant for another Python or system left out; pip would judge that by the Python it runs on itself.

    `numpy==2.5.5 ; python_full_version >= '3.12' \\` and its hashes go, `numpy==2.4.6 ; python_full_version < '3.12' \\` stays.
    """
    kept: list[str] = []
    is_wanted = True
    for line in lock.splitlines():
        if line and not line.startswith((" ", "#")):
            requirement, _, marker = line.removesuffix("\\").partition(" ; ")
            is_wanted = not marker or Marker(marker.strip()).evaluate(_IMAGE_ENVIRONMENT)
            kept += [requirement.strip() + (" \\" if line.endswith("\\") else "")] if is_wanted else []
        elif is_wanted:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _half(folder: Path) -> Path:
    half = folder.with_name(f".half-{folder.name}")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    return half
