"""The six calls over gRPC, by a plain stub: typed contents, metadata, health of the model, refusals, what is counted."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from bankmodel_serving.grpc_port.messages import message
from support import tiny_models
from support.grpc_calls import MIXED_ROWS, Stub, bare, typed
from support.scoring_process import DEADLINE_S, ScoringProcess, tensor


def test_typed_contents_are_answered_with_typed_contents(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub:
        answer = stub.infer(*MIXED_ROWS, id="case-7", model_version="2")
    score, region = answer.outputs

    assert ("m", "2", "case-7") == (answer.model_name, answer.model_version, answer.id)
    assert ("score", "FP32", [2, 1], [11.0, 7.5]) == (
        *(score.name, score.datatype, list(score.shape)),
        list(score.contents.fp32_contents),
    )
    assert [b"north", "Zürich".encode()] == list(region.contents.bytes_contents)
    assert not answer.raw_output_contents


def test_the_answer_says_which_model_gave_it(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub:
        parameters = stub.infer(*MIXED_ROWS).parameters

    assert {"sha256": mixed.sha256, "revision": "aaaaaaaaaa"} == {
        key: value.string_param for key, value in parameters.items()
    }


def test_a_request_without_an_id_gets_one_of_its_own(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub:
        ids = [stub.infer(*MIXED_ROWS).id for _ in range(2)]

    assert all(ids)
    assert ids[0] != ids[1]


def test_the_callers_trace_and_request_id_come_back(mixed: ScoringProcess) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with Stub(mixed) as stub:
        call = stub.method("ModelInfer")
        request = message("ModelInferRequest")(model_name="m", inputs=MIXED_ROWS)
        answer = call(request, timeout=DEADLINE_S, metadata=[("traceparent", trace), ("x-request-id", "case-8")])

    assert ("case-8", trace) == (answer.id, answer.parameters["traceparent"].string_param)


def test_only_the_outputs_asked_for_are_sent_in_the_order_asked(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub:
        answer = stub.infer(*MIXED_ROWS, outputs=[{"name": "region_out"}, {"name": "score"}])
        one = stub.infer(*MIXED_ROWS, outputs=[{"name": "score"}])

    assert ["region_out", "score"] == [output.name for output in answer.outputs]
    assert ["score"] == [output.name for output in one.outputs]


def test_metadata_is_the_same_as_over_rest(mixed: ScoringProcess) -> None:
    over_rest = mixed.get("/v2/models/m").json
    with Stub(mixed) as stub:
        found = stub.call("ModelMetadata", name="m", version="2")
        server = stub.call("ServerMetadata")
    tensors = [
        [{"name": each.name, "datatype": each.datatype, "shape": list(each.shape)} for each in side]
        for side in (found.inputs, found.outputs)
    ]

    assert over_rest == {
        **{"name": found.name, "versions": list(found.versions), "platform": found.platform},
        **{"inputs": tensors[0], "outputs": tensors[1], "properties": dict(found.properties)},
    }
    assert mixed.get("/v2").json["version"] == server.version


def test_a_ready_server_says_so(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub:
        assert stub.call("ServerLive").live
        assert stub.call("ServerReady").ready
        assert stub.call("ModelReady", name="m").ready


INCOME = typed("income", "FP32", [1, 1], fp32_contents=[1.0])
REGION = typed("region", "BYTES", [1, 1], bytes_contents=[b"north"])
INFER_REFUSALS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another model": ({"model_name": "x", "inputs": [INCOME]}, "NOT_FOUND", "no model x here; this server serves m"),
    "another version": (
        {"model_version": "3", "inputs": [INCOME]},
        "NOT_FOUND",
        "model m has no such version here; it serves 2",
    ),
    "a required input is missing": (
        {"inputs": [INCOME]},
        "INVALID_ARGUMENT",
        "input region is missing (BYTES, shape [-1, 1])",
    ),
    "no inputs": ({}, "INVALID_ARGUMENT", "inputs must be a list of at least one tensor"),
    "values in the wrong place": (
        {"inputs": [REGION, typed("income", "FP32", [1, 1], fp64_contents=[1.0])]},
        "INVALID_ARGUMENT",
        "input income: FP32 belongs into contents.fp32_contents, got fp64_contents",
    ),
    "too few values": (
        {"inputs": [REGION, typed("income", "FP32", [1, 1])]},
        "INVALID_ARGUMENT",
        "input income: shape [1, 1] needs 1 values in contents.fp32_contents, got 0",
    ),
    "an infinity": (
        {"inputs": [REGION, typed("income", "FP32", [1, 1], fp32_contents=[float("inf")])]},
        "INVALID_ARGUMENT",
        "input income: value 0 is infinite; FP32 must be finite, or NaN",
    ),
    "no UTF-8": (
        {"inputs": [typed("region", "BYTES", [1, 1], bytes_contents=[b"\xff"])]},
        "INVALID_ARGUMENT",
        "input region: value 0 is not UTF-8",
    ),
    "an input twice": (
        {"inputs": [INCOME, INCOME]},
        "INVALID_ARGUMENT",
        "input income is there twice; send each input once",
    ),
    "raw for some": (
        {"inputs": [INCOME, REGION], "raw_input_contents": [b"1234"]},
        "INVALID_ARGUMENT",
        "raw_input_contents must have one entry for each of the 2 inputs, got 1",
    ),
    "raw and typed": (
        {"inputs": [INCOME], "raw_input_contents": [b"1234"]},
        "INVALID_ARGUMENT",
        "input income: contents and raw_input_contents exclude each other; send one",
    ),
    "raw of the wrong length": (
        {"inputs": [bare("income", "FP32", [1, 1])], "raw_input_contents": [b"12345"]},
        "INVALID_ARGUMENT",
        "input income: shape [1, 1] of FP32 needs 4 bytes, got 5",
    ),
    "a wrong datatype": (
        {"inputs": [typed("income", "FP64", [1, 1], fp64_contents=[1.0])]},
        "INVALID_ARGUMENT",
        "input income: datatype must be FP32, got FP64",
    ),
    "a negative size": (
        {"inputs": [bare("income", "FP32", [-1, 1])], "raw_input_contents": [b""]},
        "INVALID_ARGUMENT",
        "input income: shape must be a list of whole numbers of 0 or more",
    ),
    "an unknown output": (
        {"inputs": [INCOME, REGION], "outputs": [{"name": "x"}]},
        "INVALID_ARGUMENT",
        "outputs[0]: this model has no output x; it has score, region_out",
    ),
    "another parameter": (
        {"inputs": [INCOME, REGION], "parameters": {"classification": {"int64_param": 3}}},
        "INVALID_ARGUMENT",
        "parameters.classification is not supported by this server",
    ),
}


@pytest.mark.parametrize(("fields", "code", "sentence"), INFER_REFUSALS.values(), ids=INFER_REFUSALS)
def test_a_wrong_request_is_refused_with_a_reason(
    mixed: ScoringProcess, fields: dict[str, Any], code: str, sentence: str
) -> None:
    with Stub(mixed) as stub:
        found = stub.refusal("ModelInfer", **{"model_name": "m", **fields})

    assert (code, sentence) == (found[0], found[1][: len(sentence)])


@pytest.mark.parametrize("method", ["ModelReady", "ModelMetadata"])
def test_rest_and_grpc_refuse_other_models_and_versions_in_the_same_words(mixed: ScoringProcess, method: str) -> None:
    with Stub(mixed) as stub:
        refused = [stub.refusal(method, name="x")[1], stub.refusal(method, name="m", version="3")[1]]

    assert refused == [mixed.get(path).json["error"] for path in ("/v2/models/x", "/v2/models/m/versions/3")]


def test_bytes_that_are_no_message_are_the_callers_error(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub, pytest.raises(grpc.RpcError) as caught:
        stub.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(b"\xff\xff\xff", timeout=10)

    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
    assert "the request is no ModelInferRequest" in caught.value.details()


def test_failing_models_and_too_many_rows_are_told_in_rests_words(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.exponential(), tmp_path / "model.onnx")
    cases = {"INTERNAL": [100.0], "INVALID_ARGUMENT": [1.0, 2.0, 3.0]}
    with ScoringProcess(model, "--grpc-port", "0", "--max-rows", "2") as server, Stub(server) as stub:
        found = [
            stub.refusal(
                "ModelInfer", model_name="m", inputs=[typed("x", "FP32", [len(values), 1], fp32_contents=values)]
            )
            for values in cases.values()
        ]
        over_rest = [
            server.infer(tensor("x", "FP32", [len(values), 1], values)).json["error"] for values in cases.values()
        ]

    assert list(zip(cases, over_rest, strict=True)) == found


def test_what_comes_over_grpc_is_counted_by_its_http_status(mixed: ScoringProcess) -> None:
    series = (
        *(("bankmodel_requests_total", {"code": code}) for code in ("200", "400", "404")),
        *(("bankmodel_undeclared_inputs_total", {}), ("bankmodel_absent_inputs_total", {"input": "income"})),
    )

    def counted() -> list[float]:
        return [mixed.metric(name, **labels) or 0 for name, labels in series]

    before = counted()
    with Stub(mixed) as stub:
        stub.infer(REGION, typed("shoe_size", "FP32", [1, 1], fp32_contents=[44.0]))
        stub.refusal("ModelInfer", model_name="m", inputs=[INCOME])
        stub.refusal("ModelInfer", model_name="x", inputs=[INCOME])
        open_now = mixed.metric("bankmodel_connections") or 0

    assert [1, 1, 1, 1, 1] == [now - then for now, then in zip(counted(), before, strict=True)]
    assert 0 == mixed.metric("bankmodel_inflight_requests")
    assert 1 <= open_now
