"""Flux: the real kustomize-controller, on a namespace of an API server.

Its sibling that fetches from Git is stood in for: a tar.gz of the repository lies on a web server on loopback, and a GitRepository's
status says where, as the source-controller would.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cluster.binaries import binary_folder, ensure_binaries
from support.flux_kinds import GIT, KUSTOMIZATIONS, KUSTOMIZE, SOURCES, install_kinds
from support.gitops import GitRepository, running
from support.kubectl import Kubectl
from support.operator_process import eventually

__all__ = ["Flux", "flux"]

_DEADLINE_S = 150.0
_ASKED = "reconcile.fluxcd.io/requestedAt"
_NAME = "desk"


@dataclass(frozen=True)
class Flux:
    """A Kustomization called `desk` and its source."""

    kubectl: Kubectl
    namespace: str
    git: GitRepository
    served: Path
    url: str

    def commit(self, manifest: dict[str, Any]) -> None:
        """To Git; what the source-controller would write of it, the controller sees by itself."""
        revision = f"main@sha1:{self.git.commit(manifest)}"
        file = self.served / f"{uuid.uuid4().hex}.tar.gz"
        self.git.archive(file)
        artifact = {
            "path": file.name,
            "url": f"{self.url}/{file.name}",
            "revision": revision,
            "digest": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}",
            "lastUpdateTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "size": file.stat().st_size,
        }
        patch = json.dumps({"status": {"artifact": artifact}})
        self._run("patch", GIT, "--subresource=status", "--type=merge", "-p", patch)

    def applies(self) -> None:
        """As `flux reconcile kustomization` does."""
        token = uuid.uuid4().hex
        self._run("annotate", KUSTOMIZATIONS, "--overwrite", f"{_ASKED}={token}")
        revision = self._read(GIT)["status"]["artifact"]["revision"]

        def is_done() -> bool:
            status = self._read(KUSTOMIZATIONS).get("status", {})
            done = (status.get("lastHandledReconcileAt"), status.get("lastAttemptedRevision"))
            return done == (token, revision) and _condition(status, "Reconciling").get("reason") != "Progressing"

        eventually(is_done, deadline_s=_DEADLINE_S, what="Flux has reconciled")

    def says(self, model: str) -> str:
        """Why the Kustomization is ready, or is not; MODEL is all there is in it."""
        return str(self._of("Ready").get("reason"))

    def checks_health(self) -> bool:
        """Whether it has applied everything and waits."""
        return str(self._of("Reconciling").get("message")).startswith("Running health checks")

    def _of(self, kind: str) -> dict[str, Any]:
        return _condition(self._read(KUSTOMIZATIONS).get("status", {}), kind)

    def _run(self, verb: str, kind: str, *words: str) -> None:
        self.kubectl(verb, kind, _NAME, *words, "-n", self.namespace)

    def _read(self, kind: str) -> Any:
        return self.kubectl.read("get", kind, _NAME, "-n", self.namespace)


@contextmanager
def flux(
    kubectl: Kubectl, namespace: str, folder: Path, *, waits: bool = False, gates: tuple[str, ...] = ()
) -> Iterator[Flux]:
    """Flux at work. WAITS: on the health of what it applied, by `spec.wait`. GATES: features that are not on by themselves."""
    ensure_binaries(("flux",))
    install_kinds(kubectl)
    flags = ["--metrics-addr=0", "--health-addr=0", "--watch-all-namespaces=false"]
    flags += [f"--feature-gates={gate}=true" for gate in gates]
    command: list[str | Path] = [binary_folder("flux") / "kustomize-controller", *flags]
    environment = {"KUBECONFIG": str(kubectl.kubeconfig), "RUNTIME_NAMESPACE": namespace}
    with _served(folder) as (served, url):
        with running(command, folder / "flux.log", folder, **environment):
            for each in _objects(namespace, waits=waits):
                kubectl("apply", "--server-side", "-f", "-", body=each)
            yield Flux(kubectl, namespace, GitRepository(folder / "git"), served, url)
        tool_left = '{"metadata": {"finalizers": null}}'
        kubectl("patch", KUSTOMIZATIONS, _NAME, "-n", namespace, "--type=merge", "-p", tool_left)


def _objects(namespace: str, *, waits: bool) -> Iterator[dict[str, Any]]:
    about = {"name": _NAME, "namespace": namespace}
    git = {"url": "https://git.example/desk", "interval": "10m"}
    yield {"apiVersion": f"{SOURCES}/v1", "kind": "GitRepository", "metadata": about, "spec": git}
    what = {"sourceRef": {"kind": "GitRepository", "name": _NAME}, "path": "./", "prune": False}
    spec = {**what, "interval": "10m", "timeout": "2m", "wait": waits}
    yield {"apiVersion": f"{KUSTOMIZE}/v1", "kind": "Kustomization", "metadata": about, "spec": spec}


@contextmanager
def _served(folder: Path) -> Iterator[tuple[Path, str]]:
    served = folder / "served"
    served.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever, name="artifacts")
        thread.start()
        try:
            yield served, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """What it serves is no news."""


def _condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((each for each in status.get("conditions", ()) if each["type"] == kind), {})
