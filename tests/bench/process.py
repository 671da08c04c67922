"""One contender's process: started on the server's core, timed until it is ready, paused while it is not measured, stopped.

Every contender is a session of its own, so that workers it starts are paused, counted and stopped with it.
"""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench.cores import processor_s, resident_mib
from bench.errors import ContenderFailed
from cluster.processes import start_time

__all__ = ["Server", "StartPlan", "http_ready"]

_POLL_S = 0.005
_STOP_S = 10.0
_LAST_LINES = 12


@dataclass(frozen=True)
class StartPlan:
    """How a contender is started, and how one sees that it is ready."""

    argv: Sequence[str]
    is_ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    deadline_s: float = 90.0


class Server:
    """Runs from entering to leaving; `ready_s` is the time from the start of the process to its first "ready",
    `ready_processor_s` what it computed until then."""

    def __init__(self, name: str, plan: StartPlan, log: Path, cores: Sequence[int]) -> None:
        self.name = name
        self.ready_s = self.ready_processor_s = 0.0
        self._plan = plan
        self._log = log
        self._cores = cores

    def __enter__(self) -> Self:
        # taskset and not preexec_fn, so that threads started before main() are pinned too.
        pinned = ["taskset", "--cpu-list", ",".join(map(str, self._cores)), *self._plan.argv]
        with self._log.open("wb") as output:
            began = time.monotonic()
            self._process = subprocess.Popen(
                pinned,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self._plan.folder,
                env={**os.environ, **self._plan.env},
            )
        try:
            self._await_ready(began)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.resume()
        family = {pid: start_time(pid) for pid in self.pids}
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            for pid, started in family.items():  # what the first process left behind, and nobody else
                if started is not None and start_time(pid) == started:
                    _send(pid, signal.SIGKILL)
            self._process.wait(_STOP_S)

    @property
    def pids(self) -> list[int]:
        """All processes of this contender that live now: its session, and children that made sessions of their own."""
        relations = _relations()
        family = {pid for pid, (_, session) in relations.items() if session == self._process.pid}
        while grown := {pid for pid, (parent, _) in relations.items() if parent in family and pid not in family}:
            family |= grown
        return sorted(family)

    def pause(self) -> None:
        """Let it take nothing from the one that is being measured."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def processor_s(self) -> float:
        """Processor time used so far."""
        return processor_s(self.pids)

    def resident_mib(self) -> float:
        """Memory held now."""
        return resident_mib(self.pids)

    def last_words(self) -> str:
        """The end of what it wrote, for a message."""
        lines = self._log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
        return "\n".join(f"  | {line[:300]}" for line in lines)

    def _await_ready(self, began: float) -> None:
        while not self._plan.is_ready():
            if self._process.poll() is not None:
                raise ContenderFailed(f"{self.name} ended with code {self._process.returncode}\n{self.last_words()}")
            if time.monotonic() - began > self._plan.deadline_s:
                raise ContenderFailed(
                    f"{self.name} was not ready within {self._plan.deadline_s:g} s\n{self.last_words()}"
                )
            time.sleep(_POLL_S)
        self.ready_s, self.ready_processor_s = time.monotonic() - began, self.processor_s()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids:
            _send(pid, number)


def http_ready(port: int, path: str) -> Callable[[], bool]:
    """True as soon as `GET path` answers 200."""

    def ask() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _relations() -> dict[int, tuple[int, int]]:
    """Parent and session of each process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(entry.name)] = (int(fields[1]), int(fields[3]))
    return found
