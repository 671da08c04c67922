"""Several revisions of one model as real processes on the loopback, and the routing tables they follow."""

import http.client
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.scoring_process import DEADLINE_S, Answer, ScoringProcess, tensor
from support.tiny_models import ModelFile

__all__ = ["Caller", "Revisions", "in_s", "number", "revisions"]


def in_s(seconds: float) -> str:
    """A moment so many seconds from now, as the table has it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def number(value: float, **rest: Any) -> dict[str, Any]:
    """A request for `tiny_models.passthrough` or `exponential`."""
    return {"inputs": [tensor("x", "FP32", [1, 1], [value])], **rest}


@dataclass
class Revisions:
    """Processes by revision. Each follows a table of its own, so that they may be of different minds."""

    folder: Path
    pods: dict[str, ScoringProcess] = field(default_factory=dict)
    generation: int = 0

    def table(self, revision: str) -> Path:
        return self.folder / f"{revision}.json"

    def follow(self, stable: str, *, superseded: tuple[str, ...] = (), of: tuple[str, ...] = (), **canary: Any) -> None:
        """Give a table to all pods, or to those of OF, and wait until they follow it; CANARY are its canary's fields."""
        self.generation += 1
        peers = {revision: f"127.0.0.1:{pod.peer_port}" for revision, pod in self.pods.items()}
        table: dict[str, Any] = {
            "apiVersion": "serving.bankmodel.io/routing.v1",
            "model": "m",
            "generation": self.generation,
            "stable": stable,
            "superseded": list(superseded),
            "peers": peers,
        }
        if canary:
            table["canary"] = {"weight": 0, "notAfter": in_s(600), "salt": "m/9f2c", **canary}
        for revision in of or tuple(self.pods):
            self.write(revision, json.dumps(table))
        for revision in of or tuple(self.pods):
            if self.pods[revision].process.poll() is None:
                assert self.generation == self.pods[revision].metric_becomes(
                    "bankmodel_routing_generation", self.generation
                )

    def write(self, revision: str, text: str) -> None:
        """Swap a table in one step, as the kubelet does."""
        fresh = self.folder / f"{revision}.new"
        fresh.write_text(text)
        os.replace(fresh, self.table(revision))


@contextmanager
def revisions(folder: Path, models: Mapping[str, ModelFile], *arguments: str) -> Iterator[Revisions]:
    found = Revisions(folder)
    with ExitStack() as running:
        for index, (revision, model) in enumerate(models.items()):
            words = ("--revision", revision, "--model-version", str(index + 1), "--peer-port", "0")
            pod = ScoringProcess(model, *words, "--routing", str(found.table(revision)), *arguments)
            found.pods[revision] = running.enter_context(pod)
        yield found


class Caller:
    """One kept connection to a pod."""

    def __init__(self, pod: ScoringProcess, port: int = 0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port or pod.port, timeout=DEADLINE_S)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, document: Any, headers: Mapping[str, str] | None = None, path: str = "/v2/models/m/infer") -> Answer:
        body = document if isinstance(document, bytes) else json.dumps(document)
        self._connection.request("POST", path, body, dict(headers or {}))
        answer = self._connection.getresponse()
        lines = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, lines, answer.read().decode("latin-1"))
