"""SIGTERM: not ready at once, still accepting for a while, every request that was sent is answered."""

import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support import tiny_models
from support.scoring_process import DEADLINE_S, ScoringProcess, post, tensor

BODY = json.dumps({"inputs": [tensor("X", "FP32", [1, 4], [1.0, 2.0, 3.0, 4.0])]}).encode()


@dataclass
class _Load:
    """Clients that keep their connections and send one request after the other.

    Once `may_connect` is cleared they open no new one, as nobody does whose pod has left the endpoints.
    """

    port: int
    answered: int = 0
    closed: int = 0
    lost: list[str] = field(default_factory=list)
    may_connect: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        while connection.sock is not None or self.may_connect.is_set():
            try:
                connection.request("POST", "/v2/models/m/infer", BODY)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._note(lost=repr(error))
                return
            self._note(status=answer.status, closes=answer.getheader("connection") == "close")

    def _note(self, status: int = 0, *, closes: bool = False, lost: str = "") -> None:
        with self._lock:
            self.answered += status == 200
            self.closed += closes
            if lost or status not in (0, 200):
                self.lost.append(lost or str(status))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_under_load_loses_no_request(workers: str, tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--drain-delay", "0.5", "--workers", workers) as server:
        load = _Load(server.port)
        load.may_connect.set()
        clients = [threading.Thread(target=load.run) for _ in range(8)]
        for client in clients:
            client.start()
        _wait_until_answered(load, 200)
        server.terminate()
        _wait_until_unready(server)
        _wait_until_answered(load, load.answered + 20)  # new connections are still served
        load.may_connect.clear()
        for client in clients:
            client.join(DEADLINE_S)
        code = server.wait()

    assert [] == load.lost
    assert load.closed >= 8
    assert 0 == code


def _wait_until_unready(server: ScoringProcess) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while server.get("/readyz", server.metrics_port).status == 200 and time.monotonic() < deadline:
        time.sleep(0.01)


def _wait_until_answered(load: _Load, count: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while load.answered < count and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_draining_server_is_not_ready_and_still_answers(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--drain-delay", "600") as server:
        server.terminate()
        _wait_until_unready(server)
        ready = server.get("/readyz", server.metrics_port)
        scored = server.request("POST", "/v2/models/m/infer", BODY)

    assert (503, "Draining") == (ready.status, ready.json["reason"])
    assert (200, "close") == (scored.status, scored.headers["connection"])


def test_requests_sent_ahead_are_answered_before_the_connection_ends(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--drain-delay", "600") as server:
        server.terminate()
        _wait_until_unready(server)
        found = server.wire(post(BODY) * 200)

    assert (200, 1) == (found.count(b"HTTP/1.1 200 OK"), found.count(b"\r\nconnection: close\r\n"))


def test_a_request_half_sent_is_waited_for(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    head = b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(BODY)
    with ScoringProcess(model, "--drain-delay", "0", "--drain-timeout", "20") as server:
        with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as client:
            client.sendall(head + BODY[:10])
            server.metric_becomes("bankmodel_connections", 1)
            server.terminate()
            _wait_until_refused(server.port)
            client.sendall(BODY[10:])
            found = client.recv(65536)
        code = server.wait()

    assert found.startswith(b"HTTP/1.1 200 OK")
    assert 0 == code


def _wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return
        time.sleep(0.01)


def test_who_never_finishes_is_cut_at_the_drain_timeout(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--drain-delay", "0", "--drain-timeout", "0.2") as server:
        with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as client:
            client.sendall(b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\n")
            server.metric_becomes("bankmodel_connections", 1)
            server.terminate()
            code = server.wait()

    assert 0 == code
