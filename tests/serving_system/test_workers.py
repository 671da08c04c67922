"""Two scoring processes behind one port: who answers, what is counted, and how the pod ends when one of them does."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import tiny_models
from support.scoring_process import DEADLINE_S, MIXED_ROWS, ScoringProcess, failed_start, matrix, post
from support.tiny_models import ModelFile

_ONE_ROW = post(json.dumps({"inputs": [matrix(1, 0)]}).encode())
_CONNECTIONS = 32  # all of them with one of two workers: once in two thousand million runs


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    return tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")


@pytest.fixture
def two(model: ModelFile) -> Iterator[ScoringProcess]:
    with ScoringProcess(model, "--workers", "2", "--drain-delay", "0") as server:
        yield server


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringProcess]:
    """Shared by tests that leave it as it was."""
    path = tmp_path_factory.mktemp("pair") / "model.onnx"
    with ScoringProcess(tiny_models.save(tiny_models.dense(), path), "--workers", "2") as server:
        yield server


def _becomes(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _sockets(pid: int) -> int:
    folder = Path(f"/proc/{pid}/fd")
    return sum(os.readlink(each).startswith("socket:") for each in folder.iterdir())


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_both_workers_answer_and_every_request_is_counted_once(two: ScoringProcess) -> None:
    before = [_sockets(pid) for pid in two.workers]
    with ExitStack() as stack:
        address = ("127.0.0.1", two.port)
        clients = [stack.enter_context(socket.create_connection(address, DEADLINE_S)) for _ in range(_CONNECTIONS)]
        for client in (*clients, *clients):
            client.sendall(_ONE_ROW)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
        connections = two.metric("bankmodel_connections")
        more = [now - then for now, then in zip(map(_sockets, two.workers), before, strict=True)]
    refused = two.request("POST", "/v2/models/m/infer", b"{").status

    assert min(more) > 0
    assert [_CONNECTIONS, _CONNECTIONS, 400] == [sum(more), connections, refused]
    assert [2 * _CONNECTIONS, 1] == [two.metric("bankmodel_requests_total", code=code) for code in ("200", "400")]
    assert 2 * _CONNECTIONS + 1 == two.metric("bankmodel_request_duration_seconds_count")
    assert [0, 0] == [two.metric("bankmodel_inflight_requests"), two.metric("bankmodel_silent_processes")]


def test_the_supervisor_holds_neither_numpy_nor_onnxruntime(pair: ScoringProcess) -> None:
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in (pair.process.pid, *pair.workers)]

    assert [False, True, True] == ["onnxruntime" in each for each in maps]
    assert [False, True, True] == ["numpy" in each for each in maps]


def test_a_worker_that_hangs_makes_the_pod_unready_and_its_generation_unknown(pair: ScoringProcess) -> None:
    pair.infer(matrix(1, 0))
    before = pair.metric("bankmodel_requests_total", code="200")
    hanging = pair.workers[1]
    os.kill(hanging, signal.SIGSTOP)
    try:
        ready, live = pair.get("/readyz", pair.metrics_port), pair.get("/livez", pair.metrics_port)
        generation, silent = pair.metric("bankmodel_routing_generation"), pair.metric("bankmodel_silent_processes")
        counted = pair.metric("bankmodel_requests_total", code="200")
    finally:
        os.kill(hanging, signal.SIGCONT)

    assert (503, "WorkerSilent", 200) == (ready.status, ready.json["reason"], live.status)
    assert (None, 1, before) == (generation, silent, counted)
    assert _becomes(lambda: pair.get("/readyz", pair.metrics_port).status == 200)
    assert _becomes(lambda: pair.metric("bankmodel_routing_generation") == 0)


def test_a_worker_that_is_killed_ends_the_pod_and_it_says_why(two: ScoringProcess) -> None:
    workers = two.workers
    os.kill(workers[0], signal.SIGKILL)
    code, words = two.wait(), json.loads(two.termination.read_text())

    assert (1, "WorkerLost") == (code, words["reason"])
    assert "worker 1 was killed by SIGKILL" in words["message"]
    assert [False, False] == [_is_running(pid) for pid in workers]


def test_a_worker_told_to_stop_by_another_ends_the_pod_too(two: ScoringProcess) -> None:
    os.kill(two.workers[1], signal.SIGTERM)

    assert 1 == two.wait()
    assert "worker 2 ended with exit code 0" in json.loads(two.termination.read_text())["message"]


def test_no_worker_outlives_a_supervisor_that_is_killed(two: ScoringProcess) -> None:
    workers = two.workers
    two.process.kill()

    assert _becomes(lambda: not any(map(_is_running, workers)))


def test_a_stop_is_waited_for_and_leaves_nobody(two: ScoringProcess) -> None:
    workers = two.workers
    two.terminate()

    assert 0 == two.wait()
    assert [False, False] == [_is_running(pid) for pid in workers]


def test_a_worker_that_does_not_stop_is_killed_and_told(model: ModelFile) -> None:
    with ScoringProcess(model, "--workers", "2", "--drain-delay", "0", "--drain-timeout", "0") as server:
        os.kill(server.workers[0], signal.SIGSTOP)
        server.terminate()
        code = server.wait()

    assert 1 == code
    assert "worker 1 did not stop within 2 s and was killed" in server.termination.read_text()


def test_a_file_that_is_not_the_approved_one_fails_once(model: ModelFile) -> None:
    with ScoringProcess(model, "--workers", "4", sha256="0" * 64) as server:
        code = server.wait()

    assert 1 == code
    assert ["DigestMismatch"] == [line["reason"] for line in server.log]
    assert server.log[0] == json.loads(server.termination.read_text())


def test_golden_vectors_that_differ_show_on_the_metrics_port(tmp_path: Path) -> None:
    card = tiny_models.mixed_card(golden=tiny_models.mixed_golden(second_score=99.0))
    golden = tiny_models.save(tiny_models.mixed(), tmp_path / "model.onnx", card)
    with ScoringProcess(golden, "--workers", "2") as server:
        ready = server.get("/readyz", server.metrics_port)
        refused = server.infer(*MIXED_ROWS).status

    assert (503, "GoldenVectorsFailed") == (ready.status, ready.json["reason"])
    assert "expected 99.0, got 22.0" in ready.json["message"]
    assert 503 == refused
    assert [False] == [line["ready"] for line in server.log if line["message"] == "listening"]


def test_a_port_that_another_pair_of_workers_has_is_not_shared_with_it(pair: ScoringProcess, model: ModelFile) -> None:
    code, words, _ = failed_start(model, "--workers", "2", "--port", str(pair.port))

    assert (2, "SettingsInvalid") == (code, words["reason"])
    assert f"can't listen on 127.0.0.1:{pair.port}" in words["message"]


def test_a_metrics_port_that_is_taken_ends_all(pair: ScoringProcess, model: ModelFile) -> None:
    code, words, _ = failed_start(model, "--workers", "2", "--metrics-port", str(pair.metrics_port))

    assert (2, "SettingsInvalid") == (code, words["reason"])
