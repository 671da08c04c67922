"""gRPC with several workers: they share the port, each counts its own connections, and none loses a call at the end."""

from pathlib import Path

from support import tiny_models
from support.grpc_calls import Stub, dense_row
from support.scoring_process import ScoringProcess

_APART = ("grpc.use_local_subchannel_pool", 1)  # a connection of its own


def test_workers_share_the_grpc_port_and_count_each_connection_once(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    arguments = ("--workers", "2", "--grpc-port", "0", "--drain-delay", "0", "--drain-timeout", "0.2")
    with ScoringProcess(model, *arguments) as server:
        stubs = [Stub(server, _APART) for _ in range(8)]
        answers = [stub.call("ModelInfer", **dense_row()) for stub in stubs]
        connections = server.metric_becomes("bankmodel_connections", 8)
        requests = server.metric("bankmodel_requests_total", code="200")
        for stub in stubs:
            stub.channel.close()
        server.terminate()
        code = server.wait()

    assert 1 == len({bytes(answer.raw_output_contents[1]) for answer in answers})
    assert (8, 8) == (connections, requests)
    assert 0 == code
