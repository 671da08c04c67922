"""The running server under many, odd, slow and leaving clients: every one gets its own answer, and disturbs no other."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bankmodel_serving.engine import Engine
from support import tiny_models
from support.scoring_process import DEADLINE_S, Answer, ScoringProcess, matrix, post, tensor


def _bytes_of(answer: Answer) -> list[bytes]:
    types = {"INT64": np.int64, "FP32": np.float32}
    return [np.array(output["data"], types[output["datatype"]]).tobytes() for output in answer.json["outputs"]]


def test_answers_under_concurrency_are_bit_equal_to_the_engine_alone(dense: ScoringProcess) -> None:
    engine = Engine.load(str(dense.model.path))
    requests = [matrix(rows, seed) for seed, rows in enumerate([1, 1, 1, 2, 3, 31, 64, 65, 500] * 8)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(dense.infer, requests))

    for request, answer in zip(requests, answers, strict=True):
        rows = np.array(request["data"], np.float32).reshape(request["shape"])

        assert [array.tobytes() for array in engine.run([rows])] == _bytes_of(answer)


def test_an_infinite_answer_is_an_error_for_its_own_caller_alone(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.exponential(), tmp_path / "model.onnx")
    with ScoringProcess(model) as server:
        bodies = [tensor("x", "FP32", [1, 1], [1000.0 if index == 3 else 0.0]) for index in range(8)]
        posts = b"".join(post(json.dumps({"inputs": [body]}).encode()) for body in bodies)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(server.infer, bodies))
        piped = server.wire(posts + post(b"{}", b"connection: close\r\n"))

    assert [500 if index == 3 else 200 for index in range(8)] == [answer.status for answer in answers]
    assert "output y is infinite" in answers[3].json["error"]
    assert (7, 1, 1) == tuple(piped.count(b"HTTP/1.1 " + status) for status in (b"200", b"500", b"400"))


def test_pipelined_requests_are_answered_in_order(dense: ScoringProcess) -> None:
    calls = [post(json.dumps({"id": f"n{i}", "inputs": [matrix(1 + 80 * (i % 2), i)]}).encode()) for i in range(12)]
    calls.append(b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    found = dense.wire(b"".join(calls))
    positions = [found.index(b'"id":"n%d"' % i) for i in range(12)] + [found.index(b'{"live":true}')]

    assert sorted(positions) == positions


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /v2 HTTP/1.1\r\nhost: x\r\na: " + b"b" * 20000 + b"\r\n\r\n", b"431"),
        (b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 20001\r\n\r\n" + b"x" * 20001, b"413"),
        (post(b"x", b"transfer-encoding: chunked\r\n"), b"400"),
        (b"GET /v2 HTTP/1.1\r\nho", b"408"),
        (post(b"{}")[:-1], b"408"),
    ],
    ids=["large headers", "large body", "length and chunked", "slow headers", "slow body"],
)
def test_over_a_limit_the_client_is_told_and_cut_off(mixed: ScoringProcess, data: bytes, status: bytes) -> None:
    found = mixed.wire(data)

    assert found.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close\r\n" in found
    assert b'{"error":"' in found


def test_beyond_the_connection_limit_callers_are_told_at_once(mixed: ScoringProcess) -> None:
    address = ("127.0.0.1", mixed.port)
    held = [socket.create_connection(address, DEADLINE_S) for _ in range(16)]
    try:
        _wait_for_connections(mixed, 16)
        refused = mixed.wire(b"")
    finally:
        for client in held:
            client.close()
    mixed.metric_becomes("bankmodel_connections", 0)

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"16 connections are open already" in refused
    assert 200 == mixed.get("/v2/health/live").status


def _wait_for_connections(server: ScoringProcess, expected: int) -> None:
    assert expected == server.metric_becomes("bankmodel_connections", expected)


def test_a_client_may_wait_for_100_continue(dense: ScoringProcess) -> None:
    body = json.dumps({"inputs": [matrix(1, 0)]}).encode()
    found = dense.wire(post(body, b"expect: 100-continue\r\nconnection: close\r\n"))

    assert found.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_a_client_that_closes_its_half_gets_its_answer(dense: ScoringProcess) -> None:
    body = json.dumps({"inputs": [matrix(200, 0)]}).encode()

    assert dense.wire(post(body), ends=True).startswith(b"HTTP/1.1 200 OK")


def test_clients_that_leave_in_the_middle_disturb_nobody(dense: ScoringProcess) -> None:
    body = json.dumps({"inputs": [matrix(100, 0)]}).encode()
    for size in (10, len(body) // 2, None):
        with socket.create_connection(("127.0.0.1", dense.port), DEADLINE_S) as client:
            client.sendall(post(body)[:size])

    assert 200 == dense.infer(matrix(1, 0)).status
    assert 0 == dense.metric_becomes("bankmodel_inflight_requests", 0)


def test_the_queue_is_bounded(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.softmax_over_rows(), tmp_path / "model.onnx")
    one = post(json.dumps({"inputs": [tensor("x", "FP32", [1, 1], [1.0])]}).encode(), b"connection: close\r\n")
    with ScoringProcess(model, "--queue", "1") as server, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: server.wire(one)[9:12], range(400)))

    assert {b"200", b"503"} >= set(answers)
    assert answers.count(b"200") > 0


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--idle-timeout", "0.1") as server:
        started = time.monotonic()
        found = server.wire(b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        took_s = time.monotonic() - started

    assert found.startswith(b"HTTP/1.1 200 OK")
    assert took_s < DEADLINE_S
