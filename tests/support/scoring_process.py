"""A real scoring server in a process of its own, on free ports of the loopback. Used by tests that talk to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from support.tiny_models import ModelFile

DEADLINE_S = 30.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with its body parsed, if it is JSON."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class ScoringProcess:
    """Starts on entering, ends on leaving. Its ports are read from its log; one that is closed is 0."""

    def __init__(self, model: ModelFile, *arguments: str, sha256: str | None = None, name: str = "m") -> None:
        self._command = [
            *(sys.executable, "-m", "bankmodel_serving"),
            *("--model", str(model.path), "--name", name, "--sha256", sha256 or model.sha256),
            *("--host", "127.0.0.1", "--port", "0", "--metrics-port", "0"),
            *arguments,
        ]
        self.model = model
        self.sha256 = model.sha256
        self.termination = model.path.with_suffix(".termination")
        self.log: list[dict[str, Any]] = []
        self.port = self.tls_port = self.grpc_port = self.peer_port = self.metrics_port = 0

    def __enter__(self) -> Self:
        environment = {**os.environ, "BANKMODEL_TERMINATION_LOG": str(self.termination)}
        self.process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True, env=environment)
        listening = self.read_log_until("listening")
        for name in ("port", "tls_port", "grpc_port", "peer_port", "metrics_port"):
            setattr(self, name, listening.get(name, 0))
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        if self.process.stderr is not None:
            self.process.stderr.close()

    def read_log_until(self, message: str) -> dict[str, Any]:
        """The line with this message, waited for; empty if the process ended before."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1].get("message") == message:
                return self.log[-1]
        return {}

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self.process.wait(DEADLINE_S)

    @property
    def workers(self) -> list[int]:
        """Process ids of the children; none where there is one process."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def get(self, path: str, port: int | None = None) -> Answer:
        return self.request("GET", path, port=port)

    def infer(self, *inputs: dict[str, Any], path: str = "/v2/models/m/infer", **rest: Any) -> Answer:
        return self.request("POST", path, json.dumps({"inputs": list(inputs), **rest}).encode())

    def request(self, method: str, path: str, body: bytes | None = None, *, port: int | None = None) -> Answer:
        url = f"http://127.0.0.1:{port or self.port}{path}"
        request = urllib.request.Request(url, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def wire(self, data: bytes, *, ends: bool = False) -> bytes:
        """Send raw bytes, and close our half if this ENDS it; return all that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE_S) as client:
            client.sendall(data)
            if ends:
                client.shutdown(socket.SHUT_WR)
            pieces = []
            while piece := client.recv(65536):
                pieces.append(piece)
        return b"".join(pieces)

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of the one series that has this name and these labels; None if there is none."""
        for line in self.get("/metrics", self.metrics_port).text.splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(f'{key}="{text}"' in series for key, text in labels.items()):
                return float(value)
        return None

    def metric_becomes(self, name: str, expected: float, **labels: str) -> float | None:
        """Wait until a metric has this value; returns the last one seen."""
        deadline = time.monotonic() + DEADLINE_S
        while (value := self.metric(name, **labels)) != expected and time.monotonic() < deadline:
            time.sleep(0.02)
        return value


def tensor(name: str, datatype: str, shape: Sequence[int], data: Any) -> dict[str, Any]:
    """One tensor as the protocol has it."""
    return {"name": name, "datatype": datatype, "shape": list(shape), "data": data}


MIXED_ROWS = (
    tensor("income", "FP32", [2, 1], [None, 5.5]),
    tensor("visits", "INT64", [2, 1], [1, 2]),
    tensor("region", "BYTES", [2, 1], [["north"], ["Zürich"]]),
)
"""Two rows for `tiny_models.mixed`: their scores are 11.0 and 7.5."""


def matrix(rows: int, seed: int) -> dict[str, Any]:
    """Rows for `tiny_models.dense`."""
    values = np.random.default_rng(seed).normal(size=(rows, 4)).astype(np.float32)
    return tensor("X", "FP32", [rows, 4], values.reshape(-1).tolist())


def post(body: bytes, headers: bytes = b"") -> bytes:
    """A scoring request as bytes on the wire."""
    return b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\n%scontent-length: %d\r\n\r\n%s" % (headers, len(body), body)


def failed_start(model: ModelFile, *arguments: str, sha256: str | None = None) -> tuple[int, dict[str, str], Path]:
    """Start a server that must not come up: its exit code and its last words."""
    with ScoringProcess(model, *arguments, sha256=sha256) as server:
        code = server.wait()
    return code, json.loads(server.termination.read_text()), server.termination
