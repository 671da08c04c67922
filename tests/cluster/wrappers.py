"""The two commands in the state folder by which people and Makefiles use the cluster: `.cluster/kubectl` and `.cluster/run`.

Called by node, and by kind and current for clusters that are not ours.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from .paths import StateFolder

__all__ = ["write_wrappers"]

_AS_ROOT = '[ "$(id -u)" = 0 ] || exec sudo -- "$0" "$@"\n'


def write_wrappers(state: StateFolder, *, kubectl: str, prefix: Sequence[str] = (), needs_root: bool) -> None:
    """Write both; PREFIX is what goes before a command to run it where the cluster is reachable."""
    head = "#!/bin/sh\n" + (_AS_ROOT if needs_root else "")
    environment = f"export KUBECONFIG={shlex.quote(str(state.kubeconfig))}\n"
    environment += f'export PATH="$PATH":{shlex.quote(str(Path(kubectl).parent))}\n'
    before = shlex.join(prefix)
    _write(state.path / "kubectl", f'{head}{environment}exec {before} {shlex.quote(kubectl)} "$@"\n')
    _write(
        state.path / "run", f'{head}# Runs a command inside the cluster\'s network.\n{environment}exec {before} "$@"\n'
    )


def _write(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)
