"""The running server, from outside: what a caller, a probe and a scraper see."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bankmodel_serving import card as cards
from bankmodel_serving.engine import Engine
from support import tiny_models
from support.scoring_process import DEADLINE_S, Answer, ScoringProcess, failed_start, tensor

SMALL = ("--max-body", "20000", "--max-connections", "16", "--header-timeout", "0.3", "--request-timeout", "0.6")
INCOME = tensor("income", "FP32", [2, 1], [None, 5.5])
VISITS = tensor("visits", "INT64", [2, 1], [1, 2])
REGION = tensor("region", "BYTES", [2, 1], [["north"], ["Zürich"]])


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringProcess]:
    path = tmp_path_factory.mktemp("mixed") / "model.onnx"
    model = tiny_models.save(tiny_models.mixed(), path, tiny_models.mixed_card())
    with ScoringProcess(model, *SMALL, "--model-version", "2", "--revision", "aaaaaaaaaa") as server:
        yield server


@pytest.fixture(scope="module")
def dense_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save(tiny_models.dense(), tmp_path_factory.mktemp("dense") / "model.onnx").path


@pytest.fixture(scope="module")
def dense(dense_path: Path) -> Iterator[ScoringProcess]:
    model = tiny_models.save(tiny_models.dense(), dense_path)
    with ScoringProcess(model) as server:
        yield server


def _wire(server: ScoringProcess, data: bytes, *, ends: bool = False) -> bytes:
    """Send raw bytes; return everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as client:
        client.sendall(data)
        if ends:
            client.shutdown(socket.SHUT_WR)
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def test_named_columns_are_scored(mixed: ScoringProcess) -> None:
    answer = mixed.infer(INCOME, VISITS, REGION, id="call-1").json

    assert ["m", "2", "call-1"] == [answer[key] for key in ("model_name", "model_version", "id")]
    assert {"revision": "aaaaaaaaaa", "sha256": mixed.sha256} == answer["parameters"]
    assert [
        tensor("score", "FP32", [2, 1], [11.0, 7.5]),
        tensor("region_out", "BYTES", [2, 1], ["north", "Zürich"]),
    ] == answer["outputs"]


VALUES: dict[str, list[Any]] = {
    **{"BOOL": [True, False], "FP16": [0.5, None], "FP32": [0.1, None], "FP64": [0.1, None], "BYTES": ["Zürich", ""]},
    **{f"INT{bits}": [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": [0, 2**bits - 1] for bits in (8, 16, 32, 64)},
}


def test_every_datatype_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.every_datatype(), tmp_path / "model.onnx")
    with ScoringProcess(model) as server:
        answer = server.infer(*(tensor(name, name, [2, 1], values) for name, values in VALUES.items())).json

    assert set(cards.DATATYPES) == set(VALUES)
    assert VALUES == {output["datatype"]: _as_sent(output) for output in answer["outputs"]}


def _as_sent(output: dict[str, Any]) -> list[Any]:
    """What was 0.1 comes back as the FP32 beside it."""
    return [round(value, 6) if isinstance(value, float) else value for value in output["data"]]


def test_every_answer_has_an_id_of_its_own(mixed: ScoringProcess) -> None:
    ids = [mixed.infer(INCOME, VISITS, REGION).json["id"] for _ in range(3)]

    assert 3 == len({*ids} - {""})


@pytest.mark.parametrize("base", ["/v2/models/m", "/v2/models/m/versions/2"])
def test_the_model_is_found_with_and_without_its_version(mixed: ScoringProcess, base: str) -> None:
    metadata = mixed.get(base).json

    assert {"name": "m", "ready": True} == mixed.get(f"{base}/ready").json
    assert 200 == mixed.infer(INCOME, VISITS, REGION, path=f"{base}/infer").status
    assert ["m", ["2"], "onnx_onnxv1"] == [metadata[key] for key in ("name", "versions", "platform")]
    assert {"name": "income", "datatype": "FP32", "shape": [-1, 1]} == metadata["inputs"][0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/v2/health/live", {"live": True}), ("/v2/health/ready", {"ready": True})],
)
def test_health_is_told(mixed: ScoringProcess, path: str, expected: Any) -> None:
    assert (200, expected) == (mixed.get(path).status, mixed.get(path).json)


def test_the_server_names_itself(mixed: ScoringProcess) -> None:
    assert {"name", "version", "extensions"} == set(mixed.get("/v2").json)


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v2/models/other", 404, "no model other here; this server serves m"),
        ("POST", "/v2/models/other/infer", 404, "no model other here"),
        ("GET", "/v2/models/m/versions/3", 404, "no such version here; it serves 2"),
        ("GET", "/v2/models/m/explain", 404, "a model has /ready and /infer"),
        ("GET", "/", 404, "no path / here; the model is at /v2/models/m"),
        ("GET", "/v2/models/m/infer", 405, "GET is not possible here; use POST"),
        ("POST", "/v2/models/m", 405, "use GET"),
        ("POST", "/v2/models/m/infer", 400, "not JSON"),
    ],
)
def test_a_wrong_address_is_told(mixed: ScoringProcess, method: str, path: str, status: int, words: str) -> None:
    answer = mixed.request(method, path, b"" if method == "POST" else None)

    assert status == answer.status
    assert words in answer.json["error"]


def test_requests_inputs_and_scores_are_counted(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.mixed(), tmp_path / "model.onnx", tiny_models.mixed_card())
    with ScoringProcess(model, "--model-version", "2", "--revision", "aaaaaaaaaa") as server:
        server.infer(INCOME, VISITS, REGION, tensor("extra", "FP32", [1], [1]))
        server.infer(INCOME, REGION)
        server.infer(INCOME)
        ended = [
            server.metric_becomes("bankmodel_score_count", 4),
            server.metric_becomes("bankmodel_feature_observations_total", 2, feature="income", bin="missing"),
            server.metric_becomes("bankmodel_connections", 0),
        ]
        counted = {
            "scored": server.metric("bankmodel_requests_total", code="200", route="stable", revision="aaaaaaaaaa"),
            "refused": server.metric("bankmodel_requests_total", code="400", model="m"),
            "timed": server.metric("bankmodel_request_duration_seconds_count"),
            "batches": server.metric("bankmodel_inference_duration_seconds_count"),
            "undeclared": server.metric("bankmodel_undeclared_inputs_total"),
            "absent": server.metric("bankmodel_absent_inputs_total", input="visits"),
            "in flight": server.metric("bankmodel_inflight_requests"),
            "info": server.metric("bankmodel_model_info", version="2", sha256=model.sha256),
            "generation": server.metric("bankmodel_routing_generation"),
            "unknown regions": server.metric("bankmodel_feature_observations_total", feature="region", bin="outside"),
        }

    assert [4, 2, 0] == ended
    assert {
        "scored": 2,
        "refused": 1,
        "timed": 3,
        "batches": 2,
        "undeclared": 1,
        "absent": 1,
        "in flight": 0,
        "info": 1,
        "generation": 0,
        "unknown regions": 2,
    } == counted


def _matrix(rows: int, seed: int) -> dict[str, Any]:
    values = np.random.default_rng(seed).normal(size=(rows, 4)).astype(np.float32)
    return tensor("X", "FP32", [rows, 4], values.reshape(-1).tolist())


def _bytes_of(answer: Answer) -> list[bytes]:
    types = {"INT64": np.int64, "FP32": np.float32}
    return [np.array(output["data"], types[output["datatype"]]).tobytes() for output in answer.json["outputs"]]


def test_answers_under_concurrency_are_bit_equal_to_the_engine_alone(dense: ScoringProcess, dense_path: Path) -> None:
    engine = Engine.load(str(dense_path))
    requests = [_matrix(rows, seed) for seed, rows in enumerate([1, 1, 1, 2, 3, 31, 64, 65, 500] * 8)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(dense.infer, requests))

    for request, answer in zip(requests, answers, strict=True):
        rows = np.array(request["data"], np.float32).reshape(request["shape"])

        assert [array.tobytes() for array in engine.run([rows])] == _bytes_of(answer)


def test_an_infinite_answer_is_an_error_for_its_own_caller_alone(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.exponential(), tmp_path / "model.onnx")
    with ScoringProcess(model) as server:
        bodies = [tensor("x", "FP32", [1, 1], [1000.0 if index == 3 else 0.0]) for index in range(8)]
        posts = b"".join(_post(json.dumps({"inputs": [body]}).encode()) for body in bodies)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(server.infer, bodies))
        piped = _wire(server, posts + _post(b"{}", b"connection: close\r\n"))

    assert [500 if index == 3 else 200 for index in range(8)] == [answer.status for answer in answers]
    assert "output y is infinite" in answers[3].json["error"]
    assert (7, 1, 1) == tuple(piped.count(b"HTTP/1.1 " + status) for status in (b"200", b"500", b"400"))


def _post(body: bytes, headers: bytes = b"") -> bytes:
    return b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\n%scontent-length: %d\r\n\r\n%s" % (headers, len(body), body)


def test_pipelined_requests_are_answered_in_order(dense: ScoringProcess) -> None:
    calls = [_post(json.dumps({"id": f"n{i}", "inputs": [_matrix(1 + 80 * (i % 2), i)]}).encode()) for i in range(12)]
    calls.append(b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    found = _wire(dense, b"".join(calls))
    positions = [found.index(b'"id":"n%d"' % i) for i in range(12)] + [found.index(b'{"live":true}')]

    assert sorted(positions) == positions


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /v2 HTTP/1.1\r\nhost: x\r\na: " + b"b" * 20000 + b"\r\n\r\n", b"431"),
        (b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 20001\r\n\r\n" + b"x" * 20001, b"413"),
        (_post(b"x", b"transfer-encoding: chunked\r\n"), b"400"),
        (b"GET /v2 HTTP/1.1\r\nho", b"408"),
        (_post(b"{}")[:-1], b"408"),
    ],
    ids=["large headers", "large body", "length and chunked", "slow headers", "slow body"],
)
def test_over_a_limit_the_client_is_told_and_cut_off(mixed: ScoringProcess, data: bytes, status: bytes) -> None:
    found = _wire(mixed, data)

    assert found.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close\r\n" in found
    assert b'{"error":"' in found


def test_beyond_the_connection_limit_callers_are_told_at_once(mixed: ScoringProcess) -> None:
    address = ("127.0.0.1", mixed.port)
    held = [socket.create_connection(address, DEADLINE_S) for _ in range(16)]
    try:
        _wait_for_connections(mixed, 16)
        refused = _wire(mixed, b"")
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
    body = json.dumps({"inputs": [_matrix(1, 0)]}).encode()
    found = _wire(dense, _post(body, b"expect: 100-continue\r\nconnection: close\r\n"))

    assert found.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_a_client_that_closes_its_half_gets_its_answer(dense: ScoringProcess) -> None:
    body = json.dumps({"inputs": [_matrix(200, 0)]}).encode()

    assert _wire(dense, _post(body), ends=True).startswith(b"HTTP/1.1 200 OK")


def test_clients_that_leave_in_the_middle_disturb_nobody(dense: ScoringProcess) -> None:
    body = json.dumps({"inputs": [_matrix(100, 0)]}).encode()
    for size in (10, len(body) // 2, None):
        with socket.create_connection(("127.0.0.1", dense.port), DEADLINE_S) as client:
            client.sendall(_post(body)[:size])

    assert 200 == dense.infer(_matrix(1, 0)).status
    assert 0 == dense.metric_becomes("bankmodel_inflight_requests", 0)


def test_the_queue_is_bounded(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.softmax_over_rows(), tmp_path / "model.onnx")
    one = _post(json.dumps({"inputs": [tensor("x", "FP32", [1, 1], [1.0])]}).encode(), b"connection: close\r\n")
    with ScoringProcess(model, "--queue", "1") as server, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: _wire(server, one)[9:12], range(400)))

    assert {b"200", b"503"} >= set(answers)
    assert answers.count(b"200") > 0


def test_a_golden_mismatch_stays_up_and_is_never_ready(tmp_path: Path) -> None:
    card = tiny_models.mixed_card(golden=tiny_models.mixed_golden(second_score=99.0))
    model = tiny_models.save(tiny_models.mixed(), tmp_path / "model.onnx", card)
    with ScoringProcess(model) as server:
        answers = [
            server.get("/readyz", server.metrics_port),
            server.get("/v2/health/ready"),
            server.get("/v2/models/m/ready"),
            server.infer(INCOME, VISITS, REGION),
        ]
        alive = server.get("/livez", server.metrics_port).status

    assert [503] * 4 == [answer.status for answer in answers]
    assert ["GoldenVectorsFailed"] * 4 == [answer.json["reason"] for answer in answers]
    assert "expected 99.0, got 22.0" in answers[0].json["message"]
    assert 200 == alive


def test_another_digest_ends_the_start_with_its_reason(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    code, words, _ = failed_start(model, sha256="0" * 64)

    assert (1, "DigestMismatch") == (code, words["reason"])
    assert model.sha256 in words["message"]


@pytest.mark.parametrize(
    ("card", "arguments", "code", "reason"),
    [
        ("{", (), 1, "ModelInvalid"),
        (None, ("--port", "none"), 2, "SettingsInvalid"),
    ],
    ids=["an unreadable card", "a wrong setting"],
)
def test_a_start_that_fails_says_why(
    card: str | None, arguments: tuple[str, ...], code: int, reason: str, tmp_path: Path
) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx", card)
    found, words, _ = failed_start(model, *arguments)

    assert (code, reason) == (found, words["reason"])


def _table(folder: Path, **fields: Any) -> None:
    document = {"apiVersion": "serving.bankmodel.io/routing.v1", "model": "m", "stable": None, **fields}
    (folder / "table.new").write_text(json.dumps(document))
    (folder / "table.new").replace(folder / "table.json")


def test_a_new_table_is_followed_without_a_restart(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    options = ("--revision", "aaaaaaaaaa", "--routing", str(tmp_path / "table.json"))
    with ScoringProcess(model, *options) as server:
        _table(tmp_path, generation=1, stable="aaaaaaaaaa", owner="mortgage", tier="High", purpose="credit")
        adopted = server.metric_becomes("bankmodel_routing_generation", 1)
        owned = server.metric("bankmodel_model_info", owner="mortgage", tier="High")
        properties = server.get("/v2/models/m").json["properties"]
        kept = _keeps_alive(server)
        _table(tmp_path, generation=2, stable="bbbbbbbbbb", superseded=["aaaaaaaaaa"])
        server.metric_becomes("bankmodel_routing_generation", 2)
        superseded_keeps = _keeps_alive(server)
        _table(tmp_path, generation=1, stable="aaaaaaaaaa")
        rejected = server.metric_becomes("bankmodel_routing_rejected_total", 1, reason="LowerGeneration")

    assert [1, 1, 1] == [adopted, owned, rejected]
    assert ["mortgage", "High", "credit"] == [properties[key] for key in ("owner", "tier", "purpose")]
    assert (True, False) == (kept, superseded_keeps)


def _keeps_alive(server: ScoringProcess) -> bool:
    body = json.dumps({"inputs": [_matrix(1, 0)]}).encode()
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as client:
        client.sendall(_post(body))
        found = client.recv(65536)
    assert found.startswith(b"HTTP/1.1 200 OK")
    return b"connection: close" not in found


def test_scraping_does_not_hold_up_scoring(dense: ScoringProcess) -> None:
    with ThreadPoolExecutor(8) as pool:
        scrapes = [pool.submit(dense.get, "/metrics", dense.metrics_port) for _ in range(20)]
        scores = [pool.submit(dense.infer, _matrix(1, index)) for index in range(50)]

    assert {200} == {call.result().status for call in (*scrapes, *scores)}


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--idle-timeout", "0.1") as server:
        started = time.monotonic()
        found = _wire(server, b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        took_s = time.monotonic() - started

    assert found.startswith(b"HTTP/1.1 200 OK")
    assert took_s < DEADLINE_S
