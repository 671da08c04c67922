"""The running server with requests that say more than a body: compressed, binary, with an id or a trace."""

import gzip
import json
import struct
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bankmodel_serving.engine import Engine
from support import tiny_models
from support.scoring_process import DEADLINE_S, MIXED_ROWS, ScoringProcess, matrix

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BODY = json.dumps({"inputs": list(MIXED_ROWS)}).encode()


def _post(server: ScoringProcess, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    url = f"http://127.0.0.1:{server.port}/v2/models/m/infer"
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {key.lower(): value for key, value in error.headers.items()}, error.read()


def test_a_gzip_body_is_scored_as_if_it_were_plain(mixed: ScoringProcess) -> None:
    plain = json.loads(_post(mixed, BODY)[2])
    packed = json.loads(_post(mixed, gzip.compress(BODY), content_encoding="gzip")[2])

    assert plain["outputs"] == packed["outputs"]


@pytest.mark.parametrize(
    ("body", "encoding", "status", "words"),
    [
        (gzip.compress(bytes(10**6)), "gzip", 413, "limited to 20000 bytes, inflated too"),
        (gzip.compress(BODY)[:-3], "gzip", 400, "ends too early"),
        (BODY, "gzip", 400, "not gzip"),
        (BODY, "deflate", 415, "content-encoding must be gzip, identity or absent, got deflate"),
    ],
)
def test_a_bad_gzip_body_is_refused_and_the_next_request_answered(
    mixed: ScoringProcess, body: bytes, encoding: str, status: int, words: str
) -> None:
    found = _post(mixed, body, content_encoding=encoding)

    assert status == found[0]
    assert words in json.loads(found[2])["error"]
    assert 200 == _post(mixed, BODY)[0]


def test_a_request_id_is_the_answers_and_comes_back_in_a_header(mixed: ScoringProcess) -> None:
    named = json.dumps({"id": "mine", "inputs": list(MIXED_ROWS)}).encode()
    answers = [_post(mixed, body, x_request_id="gateway-7") for body in (BODY, named, b"{}")]

    assert ["gateway-7"] * 3 == [headers["x-request-id"] for _, headers, _ in answers]
    assert ["gateway-7", "mine", None] == [json.loads(body).get("id") for _, _, body in answers]
    assert [200, 200, 400] == [status for status, _, _ in answers]


def test_an_id_that_is_none_is_neither_used_nor_sent_back(mixed: ScoringProcess) -> None:
    status, headers, body = _post(mixed, BODY, x_request_id="i" * 300)

    assert 200 == status
    assert "x-request-id" not in headers
    assert "i" * 300 != json.loads(body)["id"]


def test_the_trace_comes_back_in_the_parameters(mixed: ScoringProcess) -> None:
    traced, broken = (json.loads(_post(mixed, BODY, traceparent=sent)[2]) for sent in (TRACE, TRACE.upper()))

    assert {"sha256": mixed.sha256, "revision": "aaaaaaaaaa", "traceparent": TRACE} == traced["parameters"]
    assert {"sha256": mixed.sha256, "revision": "aaaaaaaaaa"} == broken["parameters"]


def test_the_log_joins_a_trace_with_its_answer_when_asked(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--log-level", "debug") as server:
        _post(server, b"{}", traceparent=TRACE, x_request_id="r-1")
        line = server.read_log_until("answered")

    assert {"status": 400, "request_id": "r-1", "traceparent": TRACE} == {
        key: line[key] for key in ("status", "request_id", "traceparent")
    }


def _binary_request(request: dict[str, Any]) -> tuple[bytes, int]:
    values = np.array(request["data"], "<f4").tobytes()
    head = {key: value for key, value in request.items() if key != "data"}
    document = {"inputs": [head | {"parameters": {"binary_data_size": len(values)}}]}
    json_part = json.dumps(document | {"parameters": {"binary_data_output": True}}).encode()
    return json_part + values, len(json_part)


def test_binary_there_and_back_is_bit_equal_to_the_engine_alone(dense: ScoringProcess) -> None:
    engine = Engine.load(str(dense.model.path))
    for rows in (1, 3, 200):
        request = matrix(rows, seed=rows)
        body, length = _binary_request(request)
        packed = gzip.compress(body)
        for sent, more in ((body, {}), (packed, {"content_encoding": "gzip"})):
            _, headers, found = _post(dense, sent, inference_header_content_length=str(length), **more)
            cut = int(headers["inference-header-content-length"])
            outputs = json.loads(found[:cut])["outputs"]
            expected = engine.run([np.array(request["data"], np.float32).reshape(rows, 4)])

            assert "application/octet-stream" == headers["content-type"]
            assert b"".join(array.tobytes() for array in expected) == found[cut:]
            assert [array.nbytes for array in expected] == [o["parameters"]["binary_data_size"] for o in outputs]
            assert [list(array.shape) for array in expected] == [output["shape"] for output in outputs]


def test_a_mixture_of_json_and_binary_is_scored_as_json_alone(mixed: ScoringProcess) -> None:
    income, visits, region = MIXED_ROWS
    texts = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in ("north", "Zürich"))
    tails = {"income": struct.pack("<2f", float("nan"), 5.5), "region": texts}
    inputs = [
        {
            **{key: value for key, value in tensor.items() if key != "data"},
            "parameters": {"binary_data_size": len(tail)},
        }
        for tensor, tail in ((region, tails["region"]), (income, tails["income"]))
    ]
    wanted = [{"name": "region_out", "parameters": {"binary_data": True}}, {"name": "score"}]
    head = json.dumps({"inputs": [inputs[0], visits, inputs[1]], "outputs": wanted}).encode()
    body = head + tails["region"] + tails["income"]
    _, headers, found = _post(mixed, body, inference_header_content_length=str(len(head)))
    cut = int(headers["inference-header-content-length"])

    assert [{"binary_data_size": len(texts)}, None] == [
        output.get("parameters") for output in json.loads(found[:cut])["outputs"]
    ]
    assert [11.0, 7.5] == json.loads(found[:cut])["outputs"][1]["data"]
    assert texts == found[cut:]


@pytest.mark.parametrize("length", ["-1", "9999", "5x", "0"])
def test_a_wrong_header_length_is_told(dense: ScoringProcess, length: str) -> None:
    body, _ = _binary_request(matrix(1, seed=1))
    status, _, found = _post(dense, body, inference_header_content_length=length)

    assert 400 == status
    assert json.loads(found)["error"]
