"""What a pod of several workers says about itself: unknown is never success, and what was counted never falls."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.metrics import Identity, Metrics
from bankmodel_serving.readiness import DRAINING, READY, STARTING, ReadyState
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.routing import RoutingTable
from bankmodel_serving.snapshot import Family, Kind, Merge, Snapshot
from bankmodel_serving.workers.messages import Failed, Message, Report, Started, decode, encode
from bankmodel_serving.workers.pod import Heard, Pod

GOLDEN = ReadyState(False, "GoldenVectorsFailed", "3 of 10 differ")
NOW = 1000.0
ENDLESS = {"score": Family("score", "", Kind.HISTOGRAM, Merge.SUM, (), {(): (0, 2, math.inf)}, (1.0,))}


def counted(requests: int = 0, generation: int = 1) -> Snapshot:
    recorder = Recorder()
    recorder.stable.requests[200] = requests
    metrics = Metrics(Identity("m", "3f8a02c61d", "1", "9f2c"), recorder)
    metrics.table = lambda: RoutingTable(generation=generation)
    return metrics.snapshot()


def heard(
    number: int,
    *,
    state: ReadyState = READY,
    silent: bool = False,
    pulse: float = NOW,
    snapshot: Snapshot | None = None,
) -> Heard:
    return Heard(number, True, silent, state, pulse, counted() if snapshot is None else snapshot)


def pod(*workers: Heard, ending: ReadyState | None = None) -> Pod:
    return Pod("m", "3f8a02c61d", workers, NOW, ending)


def value(snapshot: Snapshot, name: str) -> float | None:
    """The sum over the series; None where there is no such family."""
    return sum(values[0] for values in snapshot[name].samples.values()) if name in snapshot else None


@pytest.mark.parametrize(
    ("workers", "reason"),
    [
        ([heard(1), heard(2)], "Serving"),
        ([heard(1), heard(2, state=GOLDEN)], "GoldenVectorsFailed"),
        ([heard(1), heard(2, state=STARTING), heard(3, state=GOLDEN)], "Starting"),
        ([heard(1), heard(2, silent=True)], "WorkerSilent"),
        ([heard(1), Heard(2)], "Starting"),
    ],
    ids=["all", "one whose answers differ", "the first counts", "a silent one", "one not heard yet"],
)
def test_a_pod_is_ready_when_all_its_workers_are(workers: Sequence[Heard], reason: str) -> None:
    found = pod(*workers).ready()

    assert (reason == "Serving", reason) == (found.is_ready, found.reason)


def test_a_pod_on_its_way_out_is_not_ready() -> None:
    assert DRAINING == pod(heard(1), heard(2), ending=DRAINING).ready()


@pytest.mark.parametrize(
    ("worker", "is_stuck"),
    [
        (heard(2), False),
        (heard(2, pulse=NOW - 16), True),
        (heard(2, pulse=NOW - 16, silent=True), True),
        (heard(2, pulse=NOW - 1, silent=True), False),
        (Heard(2), False),
    ],
    ids=["alive", "its loop hangs", "all of it hangs", "late this once", "still starting"],
)
def test_a_pod_lives_while_all_its_workers_do(worker: Heard, is_stuck: bool) -> None:
    assert is_stuck == ("worker 2" in pod(heard(1), worker).stuck())


def test_the_generation_is_the_least() -> None:
    found = pod(heard(1, snapshot=counted(generation=7)), heard(2, snapshot=counted(generation=6))).snapshot()

    assert (6, 0) == (value(found, "bankmodel_routing_generation"), value(found, "bankmodel_silent_processes"))


def test_while_a_worker_is_silent_how_things_stand_is_unknown_and_counts_stay() -> None:
    found = pod(heard(1, snapshot=counted(3)), heard(2, snapshot=counted(4), silent=True)).snapshot()

    assert (7, 1) == (value(found, "bankmodel_requests"), value(found, "bankmodel_silent_processes"))
    assert [None] * 3 == [
        value(found, f"bankmodel_{name}") for name in ("routing_generation", "connections", "inflight_requests")
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans()), max_size=20))
def test_no_count_ever_falls_whoever_is_silent(steps: list[tuple[int, bool, bool]]) -> None:
    done, last, told = [0, 0], [counted(), counted()], 0.0
    for requests, *silent in steps:
        for index in (0, 1):
            done[index] += requests
            last[index] = last[index] if silent[index] else counted(done[index])
        workers = (heard(index + 1, silent=silent[index], snapshot=last[index]) for index in (0, 1))
        found = value(pod(*workers).snapshot(), "bankmodel_requests") or 0.0

        assert told <= found <= sum(done)
        told = found


@pytest.mark.parametrize(
    "message",
    [Report(GOLDEN, 12.5, counted(3)), Report(READY, 1e9, ENDLESS), Started(), Failed("DigestMismatch", "no\nfile")],
    ids=["report", "an infinite sum", "started", "failed"],
)
def test_a_message_arrives_as_it_was_said(message: Message) -> None:
    line = encode(message)

    assert message == decode(line)
    assert 1 == line.count(b"\n")
