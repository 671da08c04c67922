"""The running server under clients that mean it ill: they are bounded and told so, and the others notice nothing."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from support import tiny_models
from support.scoring_process import DEADLINE_S, ScoringProcess, matrix, post, tensor

LIVE = b"GET /v2/health/live HTTP/1.1\r\nhost:\r\n\r\n"
ABOUT = b"GET /v2/models/m HTTP/1.1\r\nhost:\r\n\r\n"
ONE = post(json.dumps({"inputs": [matrix(1, 0)]}).encode())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringProcess]:
    model = tiny_models.save(tiny_models.dense(), tmp_path_factory.mktemp("abuse") / "model.onnx")
    with ScoringProcess(model, "--max-connections", "64", "--max-buffered", "12000000") as running:
        yield running


def _statuses(found: bytes) -> list[str]:
    return re.findall(r"HTTP/1\.1 (\d+) ", found.decode("latin-1"))


def _connect(server: ScoringProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), DEADLINE_S)


def _resident_mib(server: ScoringProcess) -> float:
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def _send_until_stuck(client: socket.socket) -> None:
    """The answers are not read, so at last the server reads no more."""
    with suppress(TimeoutError):
        while True:
            client.send(ABOUT * 6000)


def test_a_request_in_work_gets_its_own_answer_when_the_next_one_is_too_much(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    second = b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 400000\r\n\r\n" + b" " * 399_999
    with ScoringProcess(model, "--max-buffered", "100000") as small:
        found = small.wire(ONE + second)

        assert ["200", "503"] == _statuses(found)
        assert 200 == small.infer(matrix(1, 0)).status


def test_more_requests_ahead_than_one_read_holds_are_all_answered(server: ScoringProcess) -> None:
    found = server.wire(ONE + LIVE * 20_000 + ONE, ends=True)

    assert ["200"] * 20_002 == _statuses(found)


def test_requests_sent_ahead_wait_unparsed(server: ScoringProcess) -> None:
    server.wire(ABOUT * 1000, ends=True)
    before = _resident_mib(server)
    with ExitStack() as stack:
        for _ in range(12):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(0.2)
            client.connect(("127.0.0.1", server.port))
            _send_until_stuck(client)
        grown = _resident_mib(server) - before

        assert 200 == server.infer(matrix(1, 0)).status
    assert grown < 10  # MiB; parsed at once they take 16


def test_who_was_refused_a_place_takes_none(server: ScoringProcess) -> None:
    assert 0 == server.metric_becomes("bankmodel_connections", 0)
    with ExitStack() as refused:
        with ExitStack() as held:
            for _ in range(64):
                held.enter_context(_connect(server))
            assert 64 == server.metric_becomes("bankmodel_connections", 64)
            told = [refused.enter_context(_connect(server)).recv(12) for _ in range(80)]
            level = server.metric("bankmodel_connections")
        server.metric_becomes("bankmodel_connections", 0)
        after = server.infer(matrix(1, 0)).status

    assert {b"HTTP/1.1 503", b""} >= set(told[64:])
    assert [b"HTTP/1.1 503"] * 64 == told[:64]
    assert (64, 200) == (level, after)


def test_who_would_wait_too_long_is_refused_and_counted(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.softmax_over_rows(), tmp_path / "model.onnx")
    one = post(json.dumps({"inputs": [tensor("x", "FP32", [1, 1], [1.0])]}).encode())
    with ScoringProcess(model, "--queue-time", "0.0005") as slow, ExitStack() as stack:
        clients = [stack.enter_context(_connect(slow)) for _ in range(200)]
        for _ in range(5):
            for client in clients:
                client.send(one)
            statuses = [client.recv(65536)[9:12] for client in clients]

            assert {b"200", b"503"} >= set(statuses)
        refused = slow.metric("bankmodel_requests_total", code="503") or 0.0

        assert refused == slow.metric("bankmodel_shed_requests_total")
        assert 0 == slow.metric("bankmodel_inflight_requests")
    assert refused > 0
