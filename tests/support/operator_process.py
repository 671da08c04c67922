"""The real operator as a process of its own, with settings short enough for tests. Killed, stopped, frozen and woken at will."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

__all__ = ["OperatorProcess", "eventually", "kept"]

_SETTINGS = {
    "BANKMODEL_SERVING_IMAGE": "registry.example/bankmodel-serving:test",
    "BANKMODEL_OPERATOR_NAMESPACE": "bankmodel-system",
    "BANKMODEL_DRAIN_DEADLINE": "2s",
    "BANKMODEL_LEASE_DURATION": "3s",
    "BANKMODEL_RENEW_DEADLINE": "2s",
    "BANKMODEL_RETRY_PERIOD": "500ms",
    "BANKMODEL_WORKERS": "4",
    "BANKMODEL_LOG_FORMAT": "json",
}
T = TypeVar("T")
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def eventually(seen: Callable[[], T | None], *, deadline_s: float = 60.0, what: str = "") -> T:
    """Ask until the answer is true, and return it; fail with the last answer when the deadline passes."""
    end = time.monotonic() + deadline_s
    while True:
        answer = seen()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s:g} s: {what or seen}; last answer: {answer!r}")
        time.sleep(0.05)


@dataclass
class OperatorProcess:
    """A context manager: starts on entry, is gone on exit. `settings` override the short ones. `revivals`: see `kept`."""

    kubeconfig: Path
    folder: Path
    instance: str = "operator-a"
    settings: dict[str, str] = field(default_factory=dict)
    http_port: int = 0
    revivals: int = 0

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_wanted, self._lock = False, threading.RLock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if error is not None:
            print(f"--- log of {self.instance}\n{self.log()[-6000:]}", file=sys.stderr)

    def start(self) -> None:
        """Start it, or start it again."""
        self.http_port = self.http_port or _free_port()
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"KUBECONFIG": str(self.kubeconfig), "BANKMODEL_INSTANCE": self.instance}
        environment |= {"BANKMODEL_HTTP_PORT": str(self.http_port), **_SETTINGS, **self.settings}
        with self._lock, self._log_path.open("ab") as log:
            command = [sys.executable, "-m", "bankmodel_operator"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.folder)
            self._is_wanted = True

    def kill(self) -> None:
        """SIGKILL, frozen or not; waits until it is gone. Nothing where it never ran."""
        if self._process is not None:
            self.strike()
            self._process.wait(10)

    def strike(self) -> None:
        """SIGKILL without waiting, for callbacks of the proxy."""
        self._signal(signal.SIGKILL)

    def stop(self, deadline_s: float = 20.0) -> int:
        """SIGTERM; the exit code."""
        self._signal(signal.SIGTERM)
        return self.exit_code(deadline_s)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def revive(self) -> None:
        """Start it again if it ended, and no signal was sent to it."""
        with self._lock:
            if self._is_wanted and not self.is_running:
                self.revivals += 1
                self.start()

    @property
    def pid(self) -> int:
        assert self._process, "it was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def exit_code(self, deadline_s: float = 10.0) -> int:
        """Waits until it ends by itself."""
        assert self._process is not None, f"{self.instance} was never started"
        return self._process.wait(deadline_s)

    def _signal(self, number: signal.Signals) -> None:
        """Whoever sends one looks after what comes of it."""
        with self._lock:
            self._is_wanted = False
            if self._process is not None:
                self._process.send_signal(number)

    def get(self, path: str) -> tuple[int, str]:
        """Ask its HTTP port; (0, "") when nobody answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with contextlib.suppress(OSError):
            try:
                with opener.open(f"http://127.0.0.1:{self.http_port}{path}", timeout=2) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()
        return 0, ""

    def metric(self, name: str) -> float | None:
        """The value of a metric by its name with labels, as the exposition writes it."""
        lines = (line.rpartition(" ") for line in self.get("/metrics")[1].splitlines())
        return next((float(value) for written, _, value in lines if written == name), None)

    def passes(self) -> float:
        """Passes that ended well so far."""
        return self.metric('bankmodel_reconcile_total{result="ok"}') or 0.0

    @property
    def leads(self) -> bool:
        return self.metric("bankmodel_leader") == 1.0

    def log(self) -> str:
        """All it has written so far."""
        return self._log_path.read_text(errors="replace")

    @property
    def _log_path(self) -> Path:
        return self.folder / f"{self.instance}.log"


@contextmanager
def kept(operator: OperatorProcess) -> Iterator[None]:
    """Revive it whenever it ended by itself, as a Deployment would: on a busy machine a lease is not always renewed in time."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            operator.revive()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
