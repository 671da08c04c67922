"""Argo CD: its gitops-engine, which compares and applies, in the program `agent` that comes with it. Health it is told by the shipped Lua."""

from __future__ import annotations

import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.binaries import binary_folder, ensure_binaries
from support.argocd import argo_health
from support.gitops import GitRepository, running
from support.kubectl import Kubectl
from support.operator_process import eventually

__all__ = ["ArgoCd", "argo_cd"]

_DEADLINE_S = 60.0
_ENDS = re.compile(r"^RESOURCE +RESULT|Failed to (?:parse target|synchronize cluster) state", re.MULTILINE)


class ArgoCd:
    """The engine over one repository."""

    def __init__(self, kubectl: Kubectl, namespace: str, git: GitRepository, log: Path, url: str) -> None:
        self._kubectl, self._namespace, self._git, self._log, self._url = kubectl, namespace, git, log, url
        self._begun = 1  # one by itself, when it starts

    def commit(self, manifest: dict[str, Any]) -> None:
        """To Git, and a sync."""
        self._git.commit(manifest)
        self._sync()

    def applies(self) -> None:
        """One more sync."""
        self._sync()
        eventually(lambda: len(self.syncs()) == self._begun, what="Argo CD has synced")
        assert "SyncFailed" not in self._log.read_text(), self._log.read_text()[-2000:]

    def syncs(self) -> list[str]:
        """How those that are over began to tell their end."""
        return _ENDS.findall(self._log.read_text(errors="replace"))

    def says(self, model: str) -> str:
        """By the health check that we ship."""
        return argo_health(self._kubectl.read("get", "bankmodel", model, "-n", self._namespace))[0]

    def _sync(self) -> None:
        """Answered when the one before is over and this one begins."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"{self._url}/api/v1/sync", timeout=_DEADLINE_S).close()
        self._begun += 1


@contextmanager
def argo_cd(kubectl: Kubectl, namespace: str, folder: Path) -> Iterator[ArgoCd]:
    """Argo CD at work; it applies as it does unless told otherwise, which is as `kubectl apply`."""
    ensure_binaries(("argocd",))
    git, log, port = GitRepository(folder / "git"), folder / "argo-cd.log", _free_port()
    place = (f"--kubeconfig={kubectl.kubeconfig}", f"--default-namespace={namespace}", "--namespaced")
    flags = (*place, f"--port={port}", "--resync-seconds=86400", "--prune=false", str(git.folder))
    with running([binary_folder("argocd") / "agent", *flags], log, folder):
        tool = ArgoCd(kubectl, namespace, git, log, f"http://127.0.0.1:{port}")
        eventually(tool.syncs, what="Argo CD has looked at everything")
        yield tool


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
