"""An environment of its own for kserve's client, made on demand and kept in the cache: it wants pandas below 3."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from cluster.locks import exclusive
from cluster.paths import CHECKOUT, cache_folder

__all__ = ["kserve_python"]

_LOCK = CHECKOUT / "requirements" / "kserve-client.lock"
_DEADLINE_S = 240.0


def kserve_python() -> Path:
    """The Python that can import kserve, as locked; the first call installs it (320 MB, about a minute)."""
    name = f"kserve-client-{hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12]}-{sys.implementation.cache_tag}"
    folder = cache_folder() / "environments" / name
    with exclusive(folder.with_suffix(".lock"), what="another install of kserve's client", deadline_s=_DEADLINE_S):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder)
            (folder / "ready").touch()
    return folder / "bin" / "python"


def _install(folder: Path) -> None:
    uv, python = str(Path(sys.executable).parent / "uv"), str(folder / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", str(folder)],
        [uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(_LOCK)],
    ):
        subprocess.run(command, check=True, timeout=_DEADLINE_S)
