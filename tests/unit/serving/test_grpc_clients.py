"""Others' clients of the gRPC port: Triton's, sync and async, and grpcio's own for reflection and health."""

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from bankmodel_serving.tensors import KINDS
from support import tiny_models
from support.grpc_calls import Stub
from support.scoring_process import MIXED_ROWS, ScoringProcess

COLUMNS: dict[str, Any] = {
    "income": np.array([[np.nan], [5.5]], np.float32),
    "visits": np.array([[1], [2]], np.int64),
    "region": np.array([["north"], ["Zürich"]], np.object_),
}


def _inputs(columns: dict[str, Any]) -> list[Any]:
    inputs = []
    for name, array in columns.items():
        datatype = _datatype(array)
        inputs.append(triton.InferInput(name, array.shape, datatype))
        inputs[-1].set_data_from_numpy(array)
    return inputs


def _datatype(array: Any) -> str:
    return next(kind.datatype for kind in KINDS if kind.dtype == array.dtype)


@pytest.fixture
def client(mixed: ScoringProcess) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{mixed.grpc_port}") as found:
        yield found


def test_tritons_client_gets_the_answers_that_rest_gives(mixed: ScoringProcess, client: Any) -> None:
    over_rest = mixed.infer(*MIXED_ROWS).json["outputs"]
    found = client.infer("m", _inputs(COLUMNS), model_version="2", request_id="case-7")

    assert "case-7" == found.get_response().id
    assert [[each] for each in over_rest[0]["data"]] == found.as_numpy("score").tolist()
    assert [[each.encode()] for each in over_rest[1]["data"]] == found.as_numpy("region_out").tolist()


def test_tritons_client_reads_metadata_and_readiness(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m", "2")
    assert "bankmodel-serving" == client.get_server_metadata().name
    assert ["income", "visits", "region"] == [each.name for each in client.get_model_metadata("m").inputs]


def test_tritons_client_may_compress(client: Any) -> None:
    found = client.infer("m", _inputs(COLUMNS), compression_algorithm="gzip")

    assert [[11.0], [7.5]] == found.as_numpy("score").tolist()


async def test_tritons_async_client_gets_the_same(mixed: ScoringProcess) -> None:
    async with triton_aio.InferenceServerClient(f"127.0.0.1:{mixed.grpc_port}") as client:
        wanted = [triton.InferRequestedOutput("score")]
        found = await client.infer("m", _inputs(COLUMNS), outputs=wanted)

    assert [[11.0], [7.5]] == found.as_numpy("score").tolist()
    assert found.as_numpy("region_out") is None


def test_every_datatype_goes_there_and_back_as_raw_contents(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = tiny_models.save(tiny_models.every_datatype(), tmp_path_factory.mktemp("every") / "model.onnx")
    columns = {kind.datatype: _extremes(kind) for kind in KINDS}
    with ScoringProcess(model, "--grpc-port", "0") as server:
        with triton.InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
            found = client.infer("m", _inputs(columns))

    for datatype, sent in columns.items():
        back = found.as_numpy(f"{datatype}_out")
        expected = [[text.encode()] for [text] in sent.tolist()] if datatype == "BYTES" else sent.tolist()

        assert expected == back.tolist()


def _extremes(kind: Any) -> Any:
    match kind.family:
        case "bool":
            return np.array([[True], [False]])
        case "integer":
            return np.array([[np.iinfo(kind.dtype).min], [np.iinfo(kind.dtype).max]], kind.dtype)
        case "float":
            return np.array([[np.finfo(kind.dtype).max], [np.finfo(kind.dtype).smallest_subnormal]], kind.dtype)
        case _:
            return np.array([[""], ["Größe\0"]], np.object_)


def test_reflection_tells_the_whole_protocol(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub:
        database = ProtoReflectionDescriptorDatabase(stub.channel)
        services = set(database.get_services())
        described = DescriptorPool(database).FindServiceByName("inference.GRPCInferenceService")

    assert {
        *("inference.GRPCInferenceService", "grpc.health.v1.Health"),
        "grpc.reflection.v1alpha.ServerReflection",
    } == services
    assert 6 == len(described.methods)
    assert 7 == described.FindMethodByName("ModelInfer").input_type.fields_by_name["raw_input_contents"].number


@pytest.mark.parametrize("service", ["", "inference.GRPCInferenceService"])
def test_health_says_serving(mixed: ScoringProcess, service: str) -> None:
    with Stub(mixed) as stub:
        asked = health_pb2.HealthCheckRequest(service=service)
        health = health_pb2_grpc.HealthStub(stub.channel)
        checked = health.Check(asked, timeout=10)
        watch = health.Watch(asked, timeout=10)
        watched = next(watch)
        watch.cancel()

    assert [health_pb2.HealthCheckResponse.SERVING] * 2 == [checked.status, watched.status]


def test_health_of_an_unknown_service_is_not_found(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub, pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.HealthStub(stub.channel).Check(health_pb2.HealthCheckRequest(service="x"), timeout=10)

    assert grpc.StatusCode.NOT_FOUND == caught.value.code()


def test_a_server_that_must_not_answer_is_not_serving(tmp_path_factory: pytest.TempPathFactory) -> None:
    wrong = tiny_models.mixed_card(golden=tiny_models.mixed_golden(second_score=99.0))
    model = tiny_models.save(tiny_models.mixed(), tmp_path_factory.mktemp("wrong") / "model.onnx", wrong)
    with ScoringProcess(model, "--grpc-port", "0") as server, Stub(server) as stub:
        checked = health_pb2_grpc.HealthStub(stub.channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        is_ready = stub.call("ServerReady").ready, stub.call("ModelReady", name="m").ready
        code, sentence = stub.refusal("ModelInfer", model_name="m")
        over_rest = server.infer(*MIXED_ROWS).json["error"]

    assert health_pb2.HealthCheckResponse.NOT_SERVING == checked.status
    assert (False, False) == is_ready
    assert ("UNAVAILABLE", over_rest) == (code, sentence)
