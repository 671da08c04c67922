"""The gRPC port as such: off unless asked for, its bounds, batches shared with REST, draining."""

import asyncio
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bankmodel_serving.grpc_port.connections import count_connections
from bankmodel_serving.grpc_port.messages import message
from support import tiny_models
from support.grpc_calls import MIXED_ROWS, Stub, dense_row, typed
from support.scoring_process import DEADLINE_S, ScoringProcess, failed_start, matrix
from support.tiny_models import ModelFile

_INFER = "/inference.GRPCInferenceService/ModelInfer"


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    return tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")


def test_grpcio_is_imported_only_where_grpc_is_asked_for(model: ModelFile) -> None:
    words = ["import sys, bankmodel_serving.server", "print([each for each in sys.modules if each.startswith('grpc')])"]
    imported = subprocess.run([sys.executable, "-c", "; ".join(words)], capture_output=True, text=True, check=True)
    with ScoringProcess(model) as server:
        mapped = Path(f"/proc/{server.process.pid}/maps").read_text()

    assert "[]" == imported.stdout.strip()
    assert 0 == server.grpc_port
    assert "cygrpc" not in mapped


def test_a_port_that_another_server_has_is_not_shared(dense: ScoringProcess) -> None:
    code, words, _ = failed_start(dense.model, "--grpc-port", str(dense.grpc_port))

    assert (2, "SettingsInvalid") == (code, words["reason"])
    assert words["message"].startswith(f"can't listen on 127.0.0.1:{dense.grpc_port} for gRPC")


def test_a_message_above_the_limit_is_refused(mixed: ScoringProcess) -> None:
    wide = typed("income", "FP32", [1, 1], fp32_contents=[0.0] * 6000)
    with Stub(mixed) as stub:
        code, _ = stub.refusal("ModelInfer", model_name="m", inputs=[wide])
        after = stub.infer(*MIXED_ROWS)

    assert "RESOURCE_EXHAUSTED" == code
    assert 2 == len(after.outputs)


def test_a_message_that_unpacks_beyond_the_limit_is_refused(mixed: ScoringProcess) -> None:
    bomb = typed("income", "FP32", [1, 1], fp32_contents=[0.0] * 1_000_000)
    with Stub(mixed, ("grpc.default_compression_algorithm", 2)) as stub:
        code, _ = stub.refusal("ModelInfer", model_name="m", inputs=[bomb])

    assert "RESOURCE_EXHAUSTED" == code


def test_metadata_above_the_limit_is_refused(mixed: ScoringProcess) -> None:
    with Stub(mixed) as stub, pytest.raises(grpc.RpcError) as caught:
        stub.channel.unary_unary(_INFER)(b"", timeout=10, metadata=[("x-long", "x" * 40_000)])

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()


async def test_callers_over_grpc_and_rest_share_batches_and_get_their_own_answers(dense: ScoringProcess) -> None:
    request, answer = message("ModelInferRequest"), message("ModelInferResponse")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{dense.grpc_port}") as channel:
        call = channel.unary_unary(_INFER, request.SerializeToString, answer.FromString)

        async def over_grpc(seed: int) -> list[float]:
            sent = np.array(matrix(1, seed)["data"], np.float32)
            fields = {**dense_row(), "raw_input_contents": [sent.tobytes()]}
            found = await call(request(**fields), timeout=DEADLINE_S)
            return [*np.frombuffer(found.raw_output_contents[1], np.float32)]

        async def over_rest(seed: int) -> list[float]:
            found = await asyncio.to_thread(dense.infer, matrix(1, seed))
            return [*np.array(found.json["outputs"][1]["data"], np.float32)]

        answers = await asyncio.gather(*(call_of(seed) for seed in range(40) for call_of in (over_grpc, over_rest)))

    assert answers[0::2] == answers[1::2]
    assert len({tuple(each) for each in answers}) == 40


def test_a_draining_server_tells_watchers_lets_them_go_and_still_answers(model: ModelFile) -> None:
    with ScoringProcess(model, "--grpc-port", "0", "--drain-delay", "600") as server, Stub(server) as stub:
        watch = health_pb2_grpc.HealthStub(stub.channel).Watch(health_pb2.HealthCheckRequest(), timeout=DEADLINE_S)
        told = [next(watch).status]
        server.terminate()
        told += [each.status for each in watch]
        is_ready = stub.call("ServerReady").ready
        answer = stub.call("ModelInfer", **dense_row())

    assert [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING] == told
    assert not is_ready
    assert 2 == len(answer.outputs)


def test_connections_of_this_process_are_counted_in_the_kernels_table() -> None:
    table = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:2328 0100007F:B145 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:B145 0100007F:2328 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 0100007F:2328 0100007F:B147 01 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0
   4: 0100007F:2328 0100007F:B146 06 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
"""

    assert 1 == count_connections(table.splitlines(), 9000, {"1", "2", "3", "4"})
