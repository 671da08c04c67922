"""The running server, from outside: what a caller and a scraper see."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnx
import pytest

from bankmodel_serving import card as cards
from support import tiny_models
from support.scoring_process import MIXED_ROWS, ScoringProcess, matrix, tensor


def test_named_columns_are_scored(mixed: ScoringProcess) -> None:
    answer = mixed.infer(*MIXED_ROWS, id="call-1").json

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
    ids = [mixed.infer(*MIXED_ROWS).json["id"] for _ in range(3)]

    assert 3 == len({*ids} - {""})


@pytest.mark.parametrize("base", ["/v2/models/m", "/v2/models/m/versions/2"])
def test_the_model_is_found_with_and_without_its_version(mixed: ScoringProcess, base: str) -> None:
    metadata = mixed.get(base).json

    assert {"name": "m", "ready": True} == mixed.get(f"{base}/ready").json
    assert 200 == mixed.infer(*MIXED_ROWS, path=f"{base}/infer").status
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
    income, _, region = MIXED_ROWS
    model = tiny_models.save(tiny_models.mixed(), tmp_path / "model.onnx", tiny_models.mixed_card())
    with ScoringProcess(model, "--model-version", "2", "--revision", "aaaaaaaaaa") as server:
        server.infer(*MIXED_ROWS, tensor("extra", "FP32", [1], [1]))
        server.infer(income, region)
        server.infer(income)
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


@pytest.mark.parametrize(
    ("model", "expected"),
    [(tiny_models.dense(), "true"), (tiny_models.softmax_over_rows(), "false")],
    ids=["yes", "no"],
)
def test_the_metrics_say_whether_requests_are_scored_together(
    model: onnx.ModelProto, expected: str, tmp_path: Path
) -> None:
    with ScoringProcess(tiny_models.save(model, tmp_path / "model.onnx")) as server:
        assert 1 == server.metric("bankmodel_model_info", coalesces=expected)


def test_scraping_does_not_hold_up_scoring(dense: ScoringProcess) -> None:
    with ThreadPoolExecutor(8) as pool:
        scrapes = [pool.submit(dense.get, "/metrics", dense.metrics_port) for _ in range(20)]
        scores = [pool.submit(dense.infer, matrix(1, index)) for index in range(50)]

    assert {200} == {call.result().status for call in (*scrapes, *scores)}
