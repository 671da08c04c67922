"""Two revisions of one model as real servers, for what the split costs: a stable, and a canary that it may send requests to.

The stable has the server's core for itself; the canary shares the other with the load, as it would be on another node.
"""

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench import rows
from bench.contenders import CONTENDERS, OURS, our_plan
from bench.cores import Cores
from bench.errors import BenchError
from bench.place import NAME, Place, new_place
from bench.process import Server
from bench.reference import all_rows, ensure
from bench.truth import Truth
from bench.wires import Target

__all__ = ["CANARY", "STABLE", "Pair", "Pod", "alone", "pair"]

STABLE, CANARY = "stable", "canary"
_MODEL = "boosting"
_DEADLINE_S = 30.0


@dataclass(frozen=True)
class Pod:
    """One of them. `peer_port`: where it answers the other."""

    server: Server
    place: Place

    @property
    def peer_port(self) -> int:
        return self.place.grpc_port  # nobody speaks gRPC here

    @property
    def table(self) -> Path:
        return self.place.folder / "routing.json"

    def counted(self, name: str, **labels: str) -> float:
        """The sum of the series of that name with these labels."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.place.metrics_port}/metrics", timeout=_DEADLINE_S
        ) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{text}"' for key, text in labels.items()]
        found = (line.rpartition(" ") for line in lines if line.partition("{")[0] == name)
        return sum(float(value) for series, _, value in found if all(each in series for each in wanted))


@dataclass
class Pair:
    """Both, and the table they follow."""

    stable: Pod
    canary: Pod
    bodies: Path
    cores: Cores
    generation: int = 1

    @property
    def target(self) -> Target:
        """The stable under load."""
        return Target(self.stable.server, self.stable.place, self.bodies, self.cores)

    def follow(self, weight: int = 0, *, mirror: bool = False) -> None:
        """Give both this table, and wait until they do as it says."""
        self._follow((self.stable, self.canary), weight, mirror)

    def stable_follows(self, weight: int = 0, *, mirror: bool = False) -> None:
        """The same for the stable alone, where the canary is stopped or dead."""
        self._follow((self.stable,), weight, mirror)

    def _follow(self, pods: Sequence[Pod], weight: int, mirror: bool) -> None:
        self.generation += 1
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        table: dict[str, Any] = {
            "apiVersion": "serving.bankmodel.io/routing.v1",
            "model": NAME,
            "generation": self.generation,
            "stable": STABLE,
            "peers": {each.place.folder.name: f"127.0.0.1:{each.peer_port}" for each in (self.stable, self.canary)},
            "canary": {"revision": CANARY, "weight": weight, "mirror": mirror, "notAfter": until, "salt": "m/9f2c"},
        }
        for pod in pods:
            fresh = pod.table.with_suffix(".new")
            fresh.write_text(json.dumps(table))
            os.replace(fresh, pod.table)
        for pod in pods:
            _wait(partial(self._is_followed_by, pod))
        _wait(lambda: self.stable.counted("bankmodel_routing_effective_weight") == weight)
        _wait(lambda: self.stable.counted("bankmodel_routing_mirroring") == mirror)

    def _is_followed_by(self, pod: Pod) -> bool:
        return pod.counted("bankmodel_routing_generation") == self.generation


@contextmanager
def alone(folder: Path, cores: Cores) -> Iterator[Target]:
    """The same server with no table at all."""
    with _started(folder, STABLE, cores.server, "--routing", str(folder / "no-such-file")) as pod:
        yield Target(pod.server, pod.place, _checked(pod, folder), cores)


@contextmanager
def pair(folder: Path, cores: Cores) -> Iterator[Pair]:
    """Both run, follow a table with weight 0, and answer as the model does."""
    with (
        _started(folder / STABLE, STABLE, cores.server) as stable,
        _started(folder / CANARY, CANARY, cores.load) as canary,
    ):
        found = Pair(stable, canary, _checked(stable, folder), cores)
        found.follow()
        yield found


@contextmanager
def _started(folder: Path, revision: str, core: int, *flags: str) -> Iterator[Pod]:
    place = new_place(ensure(_MODEL), folder)
    words = ("--revision", revision, "--peer-port", str(place.grpc_port), *flags)
    with Server(revision, our_plan(place, *words), folder / "log", [core]) as server:
        yield Pod(server, place)


def _checked(pod: Pod, folder: Path) -> Path:
    """The bodies of all rows, once its answers are those of the model."""
    batches, wire, bodies = rows.batches(all_rows(_MODEL), 1), CONTENDERS[OURS].wire, folder / "bodies"
    wire.check(OURS, pod.place, batches, Truth(pod.place.model))
    wire.write_bodies(batches, bodies)
    return bodies


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise BenchError(f"a server did not follow its table within {_DEADLINE_S:g} s")
        time.sleep(0.02)
