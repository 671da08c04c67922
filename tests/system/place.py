"""The cluster a demo, an end-to-end test or a verification runs on, by the same commands a person types.

`python -m cluster` makes it and brings images; `.cluster/kubectl` speaks to it. Called by everything in `system`.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.paths import CHECKOUT, DEFAULT_NAME, StateFolder, state_folder
from support.kubectl import Kubectl

__all__ = ["CHECKOUT", "Place", "SystemFailed", "the_place"]

_DEADLINE_S = 3600.0


class SystemFailed(Exception):
    """A step did not end well; the message says which, and what was seen."""


@dataclass(frozen=True)
class Place:
    """One cluster by name."""

    name: str

    @property
    def state(self) -> StateFolder:
        """Its state folder."""
        return state_folder(self.name)

    @property
    def kubectl(self) -> Kubectl:
        """kubectl for it, from wherever it can be reached."""
        return Kubectl(self.state.path / "kubectl", self.state.kubeconfig)

    def command(self, *words: str | Path) -> str:
        """`python -m cluster WORDS`; its progress goes to our standard error, what it prints is returned."""
        done = subprocess.run(
            [sys.executable, "-m", "cluster", "--name", self.name, *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "tests")},
            stdout=subprocess.PIPE,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
        )
        if done.returncode != 0:
            raise SystemFailed(f"`python -m cluster {' '.join(map(str, words))}` failed; see above")
        return done.stdout

    def up(self) -> None:
        """Start it, with both images on it; quick when it is up."""
        self.command("up")

    def images(self) -> dict[str, str]:
        """Build what changed; how a pod names the image of each part, `serving` and `operator`."""
        if given := _given_images():
            return given
        return dict(line.split() for line in self.command("images").splitlines())

    def load(self, archive: Path) -> str:
        """Bring an OCI archive there; its name by digest."""
        return self.command("load", archive).split()[-1]

    def run(self, words: Sequence[str], *, deadline_s: float = 60.0) -> "subprocess.CompletedProcess[str]":
        """Run a command inside the cluster's network."""
        command = [str(self.state.path / "run"), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=deadline_s, check=False)


def the_place() -> Place:
    """The cluster that BANKMODEL_CLUSTER_NAME names, else the default one."""
    return Place(os.environ.get("BANKMODEL_CLUSTER_NAME") or DEFAULT_NAME)


def _given_images() -> dict[str, str]:
    """Where images can't be loaded (CLUSTER=current) they are pushed by hand and named in the environment."""
    found = {part: os.environ.get(f"BANKMODEL_{part.upper()}_IMAGE", "") for part in ("serving", "operator")}
    return found if all(found.values()) else {}
