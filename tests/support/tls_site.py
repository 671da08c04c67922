"""A scoring server with TLS and a folder of certificates, and what callers do to it. Used by the tests of TLS."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from support.certificates import Authority, Issued, mount, trusting
from support.scoring_process import DEADLINE_S, ScoringProcess, matrix
from support.tiny_models import ModelFile

__all__ = ["AUTHORITY", "BODY", "CALLERS", "INFER", "REFUSED", "Secured", "load_on", "read_to_end", "secured", "until"]

AUTHORITY, CALLERS = Authority(), Authority("callers' CA")
REFUSED = (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)
INFER = "/v2/models/m/infer"
BODY = json.dumps({"inputs": [matrix(1, 1)]})


@dataclass
class Secured:
    """A server, its certificate folder and what it shows first."""

    server: ScoringProcess
    folder: Path
    issued: Issued

    def ask(self, context: ssl.SSLContext | None = None, body: str = BODY) -> tuple[int, str]:
        """One scoring request on a connection of its own."""
        caller = self.caller(context)
        try:
            caller.request("POST", INFER, body)
            answer = caller.getresponse()
            return answer.status, answer.read().decode()
        finally:
            caller.close()

    def caller(self, context: ssl.SSLContext | None = None) -> http.client.HTTPSConnection:
        proven = context or trusting(AUTHORITY)
        return http.client.HTTPSConnection("127.0.0.1", self.server.tls_port, timeout=DEADLINE_S, context=proven)

    def shown_serial(self, context: ssl.SSLContext | None = None) -> int:
        """Serial number of the certificate a new connection is met with."""
        caller = self.caller(context)
        caller.connect()
        with caller.sock as connection:
            shown = cast(dict[str, Any], connection.getpeercert())
        return int(str(shown["serialNumber"]), 16)


@contextmanager
def secured(
    model: ModelFile, folder: Path, *arguments: str, issued: Issued | None = None, ca: bytes = b""
) -> Iterator[Secured]:
    pair = issued or AUTHORITY.issue()
    mount(folder, pair.secret(ca))
    words = ["--tls-cert", str(folder / "tls.crt"), "--tls-key", str(folder / "tls.key"), "--tls-port", "0"]
    if ca:
        words += ["--tls-client-ca", str(folder / "ca.crt")]
    with ScoringProcess(model, *words, *arguments) as server:
        yield Secured(server, folder, pair)


@dataclass
class Load:
    """Callers that ask one request after the other; half of them on a new connection each time."""

    site: Secured
    answered: int = 0
    kept: int = 0
    lost: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self, keeps: bool) -> None:
        context = trusting(AUTHORITY)
        caller = self.site.caller(context)
        while not self._stop.is_set():
            is_kept = caller.sock is not None
            try:
                caller.request("POST", INFER, BODY)
                answer = caller.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._note(lost=repr(error))
                break
            self._note(lost="" if answer.status == 200 else str(answer.status), kept=is_kept)
            if not keeps:
                caller.close()
        caller.close()

    def _note(self, *, lost: str = "", kept: bool = False) -> None:
        with self._lock:
            self.answered += not lost
            self.kept += kept
            if lost:
                self.lost.append(lost)

    def wait_for(self, count: int) -> None:
        until(lambda: self.answered >= count or bool(self.lost))

    def stop(self) -> None:
        self._stop.set()
        for thread in self.threads:
            thread.join(DEADLINE_S)


@contextmanager
def load_on(site: Secured) -> Iterator[Load]:
    load = Load(site)
    load.threads = [threading.Thread(target=load.run, args=(number % 2 == 0,)) for number in range(4)]
    for thread in load.threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop()


def read_to_end(client: socket.socket) -> bytes:
    pieces = []
    try:
        while piece := client.recv(65536):
            pieces.append(piece)
    except ConnectionError:
        pass  # cut rather than closed
    return b"".join(pieces)


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not look() and time.monotonic() < deadline:
        time.sleep(0.01)
