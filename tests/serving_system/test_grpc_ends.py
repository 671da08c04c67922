"""How gRPC ends: callers who leave, connections that grow old, and a stop under load that loses no call."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from bankmodel_serving.grpc_port.messages import message
from support import tiny_models
from support.grpc_calls import Stub, dense_row
from support.scoring_process import DEADLINE_S, ScoringProcess
from support.tiny_models import ModelFile

_INFER = "/inference.GRPCInferenceService/ModelInfer"


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    return tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")


def test_a_caller_whose_deadline_passes_is_told_so_and_leaves_nothing_behind(model: ModelFile) -> None:
    with ScoringProcess(model, "--grpc-port", "0", "--max-rows", "1000000", "--max-body", "100000000") as server:
        with Stub(server) as stub:
            with pytest.raises(grpc.RpcError) as caught:
                stub.call("ModelInfer", timeout_s=0.001, **dense_row(1_000_000))
            after = stub.call("ModelInfer", **dense_row())
        left = server.metric_becomes("bankmodel_inflight_requests", 0)

    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()
    assert 2 == len(after.outputs)
    assert 0 == left


def test_a_connection_is_asked_to_leave_when_it_is_old_and_no_call_is_lost(model: ModelFile) -> None:
    with ScoringProcess(model, "--grpc-port", "0", "--grpc-connection-age", "0.1") as server, Stub(server) as stub:
        peers = set[str]()
        deadline = time.monotonic() + DEADLINE_S
        while len(peers) < 3 and time.monotonic() < deadline:
            stub.call("ModelInfer", **dense_row())
            peers |= _client_ports(server)

    assert 3 <= len(peers)


def _client_ports(server: ScoringProcess) -> set[str]:
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return {fields[2] for fields in lines if fields[1].endswith(f":{server.grpc_port:04X}") and fields[3] == "01"}


class _Service:
    """What a Kubernetes Service is to its callers: new connections go where `port` says, old ones stay."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = ""

    async def __aenter__(self) -> "_Service":
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _relay(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        far, request = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await asyncio.gather(_copy(near, request), _copy(far, answer))
        finally:  # the test may end, and cancel this, before its callers have gone
            request.close()
            answer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


async def test_a_stop_under_load_loses_no_call(model: ModelFile) -> None:
    arguments = ("--grpc-port", "0", "--grpc-connection-age", "0.5", "--drain-delay", "0.2")
    with ScoringProcess(model, *arguments) as old, ScoringProcess(model, *arguments) as new:
        lost, answered = list[str](), [0]
        async with _Service(old.grpc_port) as service:
            callers = [asyncio.create_task(_call_on(service.address, answered, lost)) for _ in range(8)]
            await _until(lambda: answered[0] > 100)
            service.port = new.grpc_port
            old.terminate()
            await _until(lambda: old.process.poll() is not None)
            so_far = answered[0]
            await _until(lambda: answered[0] > so_far + 50)
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)

    assert [] == lost
    assert 0 == old.process.returncode


async def _call_on(address: str, answered: list[int], lost: list[str]) -> None:
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
    body = message("ModelInferRequest")(**dense_row()).SerializeToString()
    async with grpc.aio.insecure_channel(address, options) as channel:
        call = channel.unary_unary(_INFER)
        while True:
            try:
                await call(body, timeout=DEADLINE_S)
                answered[0] += 1
            except grpc.aio.AioRpcError as error:
                lost.append(f"{error.code()} {error.details()}")


async def _until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_true() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)


def test_who_does_not_leave_is_cut_at_the_drain_timeout(model: ModelFile) -> None:
    with ScoringProcess(model, "--grpc-port", "0", "--drain-delay", "0", "--drain-timeout", "0.2") as server:
        with Stub(server) as stub:
            stub.call("ServerLive")
            server.terminate()
            code = server.wait()

    assert 0 == code
