"""What the GitOps tools of the tests have in common: they are the tools themselves, as processes, and what they apply is a Git
repository. `support.flux` and `support.argo_engine` start one each; what they say of a model comes from their own code too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import yaml

__all__ = ["GitOps", "GitRepository", "running"]

_DEADLINE_S = 30
_KEPT = ("PATH", "LANG", "TMPDIR")
_AUTHOR = ("-c", "user.name=Mortgage desk", "-c", "user.email=mortgage@bank.example")


class GitOps(Protocol):
    """A tool at work on one namespace and one repository with one manifest."""

    def commit(self, manifest: dict[str, Any]) -> None:
        """To Git, and the tool hears of it as by a webhook; does not wait."""

    def applies(self) -> None:
        """Have it apply what Git says, as it does every few minutes; returns when it is done with that, and all before."""

    def says(self, model: str) -> str:
        """Its own word for how the model is."""


class GitRepository:
    """A repository with a history: one manifest, committed again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git("init", "--quiet", str(folder), cwd=folder.parent)

    def commit(self, manifest: dict[str, Any]) -> str:
        """The revision."""
        (self.folder / "model.yaml").write_text(yaml.safe_dump(manifest))
        self._git("add", ".")
        self._git(*_AUTHOR, "commit", "--quiet", "--allow-empty", "--message", "What the desk wants")
        return self._git("rev-parse", "HEAD").strip()

    def archive(self, file: Path) -> None:
        """The newest revision as a tar.gz."""
        self._git("archive", "--format=tar.gz", f"--output={file}", "HEAD^{tree}")

    def _git(self, *words: str, cwd: Path | None = None) -> str:
        settled = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", *words]
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=settled,
            check=True,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
        ).stdout


@contextmanager
def running(command: Sequence[str | Path], log: Path, folder: Path, **environment: str) -> Iterator[None]:
    """A tool from entering to leaving; what it said is shown when the test fails."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**kept, "HOME": str(folder), **environment}, stdout=output, stderr=output
        )
    try:
        yield
    except BaseException:
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}", file=sys.stderr)
        raise
    finally:
        process.kill()
        process.wait(_DEADLINE_S)
