"""How many hops requests make between two real processes that hold any two routing tables. Used by tests and by `verify`.

Counted by what the processes themselves count: each attempt to hand a request on is a hop, and what a peer port answers was one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import tiny_models
from support.revisions import Caller, Revisions, number, revisions
from support.scoring_process import ScoringProcess

__all__ = ["PAIRS", "Hops", "hops_of"]

_TABLES: dict[str, dict[str, Any]] = {
    "a sends b all": {"stable": "a", "revision": "b", "weight": 100},
    "b sends a all": {"stable": "b", "revision": "a", "weight": 100},
    "a passes on to b": {"stable": "b", "superseded": ("a",)},
    "b passes on to a": {"stable": "a", "superseded": ("b",)},
    "a copies to b": {"stable": "a", "revision": "b", "mirror": True},
    "b copies to a": {"stable": "b", "revision": "a", "mirror": True},
}
PAIRS: tuple[tuple[str, str], ...] = tuple((one, other) for one in _TABLES for other in _TABLES)
"""Which table the first pod holds, and which the second."""
_REQUESTS = 3


@dataclass(frozen=True)
class Hops:
    """Of a pair of tables. `most`: hops of one request at most; each is asked alone, so they can be told apart."""

    tables: tuple[str, str]
    asked: int
    answered: int
    most: int


def hops_of(folder: Path, pairs: Sequence[tuple[str, str]]) -> Iterator[Hops]:
    """Both pods are asked at their scoring ports, one request after the other. FOLDER: an empty one."""
    model = tiny_models.save(tiny_models.passthrough("FP32"), folder / "m.onnx")
    with revisions(folder, {"a": model, "b": model}) as found:
        for tables in pairs:
            for revision, table in zip(("a", "b"), tables, strict=True):
                found.follow(of=(revision,), **_TABLES[table])
            yield _asked(found, tables)


def _asked(found: Revisions, tables: tuple[str, str]) -> Hops:
    statuses, most = [], 0
    for pod in found.pods.values():
        with Caller(pod) as caller:
            for index in range(_REQUESTS):
                before = _handed_on(found.pods.values())
                statuses.append(caller.ask(number(float(index))).status)
                most = max(most, _handed_on(found.pods.values()) - before)
    return Hops(tables, len(statuses), statuses.count(200), most)


def _handed_on(pods: Iterable[ScoringProcess]) -> int:
    return sum(_attempts(pod) for pod in pods)


def _attempts(pod: ScoringProcess) -> int:
    """Copies are no hops: nobody waits for them."""
    lines = pod.get("/metrics", pod.metrics_port).text.splitlines()
    return sum(
        int(float(line.rpartition(" ")[2])) for line in lines if line.startswith("bankmodel_forward_attempts_total{")
    )
