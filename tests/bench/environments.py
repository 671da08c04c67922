"""Each peer in an environment of its own, made on demand in the cache: MLServer, KServe and BentoML want other versions than we.

`peers/NAME/requirements.txt` pins everything (written by `uv pip compile` from requirements.in). Called by `peers`.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.errors import ContenderFailed
from cluster.locks import exclusive
from cluster.paths import cache_folder
from cluster.progress import say

__all__ = ["PEERS", "environment"]

PEERS = Path(__file__).with_name("peers")
_INSTALL_S = 900.0
_STANDARD_PYTHON = {"pytriton": "/usr/bin/python3.11"}
"""Its server has an interpreter of its own inside, an early 3.11, which fails on the standard library of a later one."""


def environment(peer: str) -> Path:
    """The folder with PEER's programs; installs them if the cache lacks this very set of versions."""
    pinned = PEERS / peer / "requirements.txt"
    folder = cache_folder() / "bench" / f"{peer}-{hashlib.sha256(pinned.read_bytes()).hexdigest()[:12]}"
    with exclusive(folder.with_name(f".{peer}.lock"), what=f"another installation of {peer}", deadline_s=_INSTALL_S):
        if not (folder / "installed").exists():
            _install(peer, pinned, folder)
    return folder / "bin"


def _install(peer: str, pinned: Path, folder: Path) -> None:
    say(f"installing {peer} into {folder} (once)")
    shutil.rmtree(folder, ignore_errors=True)
    uv = str(Path(sys.executable).with_name("uv"))
    python = _STANDARD_PYTHON.get(peer, sys.executable)
    for words in (
        [uv, "venv", "--quiet", "--python", python, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "-r", str(pinned)],
    ):
        try:
            subprocess.run(words, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
        except (OSError, subprocess.SubprocessError) as error:
            why = getattr(error, "stderr", "") or str(error)
            raise ContenderFailed(f"{peer} can't be installed: {why.strip()[-400:]}") from error
    (folder / "installed").touch()
