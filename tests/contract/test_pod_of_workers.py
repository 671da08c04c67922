"""What a pod of several processes says on its metrics port is what the operator reads there."""

import pytest

from bankmodel_operator.telemetry.scrape import parse_gauges, parse_unready
from bankmodel_serving.metrics import Identity, Metrics
from bankmodel_serving.probes import answer
from bankmodel_serving.protocol import Request
from bankmodel_serving.readiness import READY, ReadyState
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.routing import RoutingTable
from bankmodel_serving.workers.pod import Heard, Pod


def _worker(number: int, generation: int, *, is_silent: bool = False, state: ReadyState = READY) -> Heard:
    metrics = Metrics(Identity("m", "3f8a02c61d", "1", "9f2c"), Recorder())
    metrics.table = lambda: RoutingTable(generation=generation)
    metrics.connections = lambda: number
    return Heard(number, True, is_silent, state, 1.0, metrics.snapshot())


def _asked(path: bytes, *workers: Heard) -> str:
    _, body, _ = answer(Request(b"GET", path, b"", True), Pod("m", "3f8a02c61d", workers, 1.0))
    return body.decode()


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        ((_worker(1, 7), _worker(2, 7)), (7, 3)),
        ((_worker(1, 7), _worker(2, 6)), (6, 3)),
        ((_worker(1, 7), _worker(2, 7, is_silent=True)), (None, None)),
        ((_worker(1, 7), Heard(2)), (None, None)),
    ],
    ids=["of one mind", "one behind: not in force yet", "one silent: unverified", "one never heard: unverified"],
)
def test_the_operator_reads_one_generation_of_all(
    workers: tuple[Heard, ...], expected: tuple[int | None, int | None]
) -> None:
    assert expected == parse_gauges(_asked(b"/metrics", *workers))


def test_the_operator_reads_why_one_worker_is_unready() -> None:
    failed = _worker(2, 7, state=ReadyState(False, "GoldenVectorsFailed", "3 of 10 differ"))

    assert ("GoldenVectorsFailed", "3 of 10 differ") == parse_unready(_asked(b"/readyz", _worker(1, 7), failed))
    assert (None, None) == parse_unready(_asked(b"/readyz", _worker(1, 7)))
