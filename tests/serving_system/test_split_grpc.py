"""The split for callers over gRPC, and for pods of several processes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from bankmodel_serving.grpc_port.messages import message
from support import tiny_models
from support.grpc_calls import Stub, bare, typed
from support.revisions import Caller, Revisions, number, revisions
from support.scoring_process import DEADLINE_S, ScoringProcess
from support.tiny_models import ModelFile

Models = dict[str, ModelFile]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The stable `a` answers x, the canary `b` exp(x)."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "a": tiny_models.save(tiny_models.passthrough("FP32"), folder / "a.onnx"),
        "b": tiny_models.save(tiny_models.exponential(), folder / "b.onnx"),
    }


@pytest.fixture(scope="module")
def shared(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Revisions]:
    with revisions(tmp_path_factory.mktemp("shared"), models, "--grpc-port", "0") as found:
        yield found


def _call(pod: ScoringProcess, value: float, **fields: Any) -> tuple[Any, dict[str, str]]:
    """The answer, and what came behind it."""
    request = {"model_name": "m", "inputs": [typed("x", "FP32", [1, 1], fp32_contents=[value])], **fields}
    with Stub(pod) as stub:
        answer, call = stub.method("ModelInfer").with_call(message("ModelInferRequest")(**request), timeout=DEADLINE_S)
        return answer, dict(call.trailing_metadata() or ())


def _revision(answer: Any) -> str:
    return str(answer.parameters["revision"].string_param)


def test_calls_are_split(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=20)
    stable = shared.pods["a"]
    with Stub(stable) as stub:
        infer = stub.method("ModelInfer")
        request = message("ModelInferRequest")(model_name="m", inputs=[typed("x", "FP32", [1, 1], fp32_contents=[0.0])])
        found = Counter(_revision(infer(request, timeout=DEADLINE_S)) for _ in range(200))

    assert {"a": 160, "b": 40} == found


def test_the_caller_learns_who_answered(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100)
    stable = shared.pods["a"]
    forwarded, behind = _call(stable, 0.0, id="4711")
    fallen_back, behind_own = _call(stable, 100.0)

    assert ("b", "b", "4711", "2") == (
        _revision(forwarded),
        behind["x-bankmodel-revision"],
        forwarded.id,
        forwarded.model_version,
    )
    assert [1.0] == list(forwarded.outputs[0].contents.fp32_contents)
    assert ("a", "a", "error", "error") == (
        _revision(fallen_back),
        behind_own["x-bankmodel-revision"],
        fallen_back.parameters["fallback"].string_param,
        behind_own["x-bankmodel-fallback"],
    )


def test_a_callers_own_fault_comes_back_as_it_was_said(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100)
    with Stub(shared.pods["a"]) as stub, pytest.raises(grpc.RpcError) as caught:
        stub.infer(typed("y", "FP32", [1, 1], fp32_contents=[0.0]))

    assert ("INVALID_ARGUMENT", True) == (caught.value.code().name, "none of the inputs" in caught.value.details())
    assert ("x-bankmodel-revision", "b") in [tuple(pair) for pair in caught.value.trailing_metadata()]


def test_the_same_customer_meets_the_same_revision_over_both(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=50, sticky={"parameter": "customer"})
    stable = shared.pods["a"]
    with Caller(stable) as caller:
        for customer in range(30):
            over_grpc, _ = _call(stable, 1.0, parameters={"customer": {"int64_param": customer}})
            over_rest = caller.ask(number(1.0, parameters={"customer": str(customer)}))

            assert over_rest.json["parameters"]["revision"] == _revision(over_grpc)


def test_an_input_is_a_key_raw_and_typed(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=50, sticky={"input": "customer"})
    for customer in range(20):
        inputs = [bare("x", "FP32", [1, 1]), bare("customer", "INT64", [1, 1])]
        contents = [np.float32(1.0).tobytes(), np.int64(customer).tobytes()]
        raw, _ = _call(shared.pods["a"], 1.0, inputs=inputs, raw_input_contents=contents)
        others = [typed("customer", "INT64", [1, 1], int64_contents=[customer])]
        inputs = [typed("x", "FP32", [1, 1], fp32_contents=[1.0]), *others]
        plain, _ = _call(shared.pods["a"], 1.0, inputs=inputs)

        assert _revision(raw) == _revision(plain)


def test_calls_are_mirrored_and_compared(shared: Revisions) -> None:
    shared.follow("a", revision="b", mirror=True, cutoff=0.5)
    stable = shared.pods["a"]
    answer, _ = _call(stable, 0.0)

    assert "a" == _revision(answer)
    assert 1 == stable.metric_becomes("bankmodel_shadow_decision_flips_total", 1, to="b")


def test_a_peer_without_grpc_costs_no_answer(models: Models, tmp_path: Path) -> None:
    with revisions(tmp_path, models) as plain:
        grpc_pod = ScoringProcess(
            models["a"],
            *("--revision", "c", "--peer-port", "0", "--grpc-port", "0", "--routing", str(plain.table("c"))),
        )
        with grpc_pod as pod:
            plain.pods["c"] = pod
            plain.follow("c", revision="b", weight=100)
            answer, behind = _call(pod, 3.0)

    assert ("c", "error") == (_revision(answer), behind["x-bankmodel-fallback"])


def test_every_process_of_a_pod_splits_and_answers(models: Models, tmp_path: Path) -> None:
    with revisions(tmp_path, models, "--workers", "2") as both:
        both.follow("a", revision="b", weight=50)
        stable, canary = both.pods["a"], both.pods["b"]
        found: Counter[str] = Counter()
        for _ in range(4):
            with Caller(stable) as caller:
                for _ in range(100):
                    found[caller.ask(number(1.0)).json["parameters"]["revision"]] += 1
        described = stable.get("/model", stable.metrics_port)

        assert 400 == sum(found.values())
        assert 100 <= found["b"] <= 300
        assert 50 == stable.metric("bankmodel_routing_effective_weight")
        assert found["b"] == canary.metric("bankmodel_requests_total", route="peer", code="200")
        assert found["b"] == stable.metric("bankmodel_forward_attempts_total", to="b", result="ok")
        assert (200, "a") == (described.status, described.json["revision"])
