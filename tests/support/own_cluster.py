"""A cluster that a test makes and breaks itself, by the commands a person types, and the traces of it on the machine.

`traces` looks at the machine with eyes of its own: it shares nothing with the code that cleans up.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.paths import CHECKOUT, StateFolder, state_folder
from cluster.processes import is_alive, read_records
from support.kubectl import Kubectl

__all__ = ["OwnCluster"]

_DEADLINE_S = 120


@dataclass(frozen=True)
class OwnCluster:
    """The cluster NAME; nothing runs before `up`."""

    name: str

    @property
    def state(self) -> StateFolder:
        """Its state folder."""
        return state_folder(self.name)

    @property
    def kubectl(self) -> Kubectl:
        """kubectl for it."""
        return Kubectl(self.state.path / "kubectl", self.state.kubeconfig)

    def begin(self, *words: str, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start `python -m cluster WORDS` and let it run."""
        return subprocess.Popen(
            [sys.executable, "-m", "cluster", "--name", self.name, "--cluster", "node", *words],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "tests"), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(self, *words: str, expected: int = 0, env: dict[str, str] | None = None) -> str:
        """What `python -m cluster WORDS` says until it ends, which it does with the EXPECTED exit code."""
        process = self.begin(*words, env=env)
        try:
            said, _ = process.communicate(timeout=_DEADLINE_S)
        finally:
            process.kill()
            process.wait()
        assert expected == process.returncode, said
        return said

    def started(self) -> set[str]:
        """The names of the components that were started so far."""
        return {record.name for record in read_records(self.state)}

    def crash(self) -> None:
        """End every component at once, as a power cut would; the containers go on."""
        for record in read_records(self.state):
            if is_alive(record):
                os.kill(record.pid, signal.SIGKILL)

    def traces(self) -> list[str]:
        """What on this machine bears its mark: folders, mounts, cgroups, namespaces, processes."""
        places = [self.state.path, self.state.run_folder, Path("/run/netns") / self.state.identity]
        found = [str(place) for place in places if place.exists()]
        return sorted([*found, *self._mounts(), *self._cgroups(), *self._processes()])

    @property
    def _marks(self) -> re.Pattern[str]:
        return re.compile(f"{re.escape(str(self.state.path))}(/|\\s|$)|{self.state.identity}")

    def _mounts(self) -> Iterator[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return (f"mount {line}" for line in lines if self._marks.search(line))

    def _cgroups(self) -> Iterator[str]:
        names = (self.state.identity, f"*/{self.state.identity}")
        return (f"cgroup {folder}" for name in names for folder in Path("/sys/fs/cgroup").glob(name))

    def _processes(self) -> Iterator[str]:
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) not in (os.getpid(), os.getppid()):
                # Empty for one that has ended and whose parent has yet to notice.
                words = _read(folder / "cmdline").replace("\0", " ")
                if not words:
                    continue
                if self._marks.search(words) or self._marks.search(_read(folder / "cgroup")):
                    yield f"process {folder.name} {words[:100]}"


def _read(file: Path) -> str:
    """A file of a process, empty when that is gone."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
