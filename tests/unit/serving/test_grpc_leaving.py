"""A caller over gRPC who leaves takes the request out of the queue; grpcio tells so by cancelling the call."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from bankmodel_serving.batching import BatchLimits
from bankmodel_serving.codec import DecodeLimits
from bankmodel_serving.grouping import Content, Packed
from bankmodel_serving.grpc_port.messages import message
from bankmodel_serving.grpc_port.service import InferenceService, Served
from bankmodel_serving.grpc_port.writing import ResponseWriter
from bankmodel_serving.metrics import Identity
from bankmodel_serving.readiness import READY, Readiness
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.scheduler import Scheduler
from bankmodel_serving.tensors import KINDS, Array, TensorSpec, schema_of
from support.grpc_calls import dense_row

_FP32 = next(kind for kind in KINDS if kind.datatype == "FP32")
_SCHEMA = schema_of([TensorSpec("X", _FP32, (None, 4))], [TensorSpec("y", _FP32, (None, 4))], None)
_IDENTITY = Identity("m", "", "", "9f2c")


class _Held:
    """A model that answers with its input, and large requests only once `released` is set."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.scored: list[int] = []

    def run_small(self, parts: Sequence[Content], rows: int) -> Sequence[Array]:
        raise AssertionError("these requests are large")

    def run_large(self, content: Content) -> Sequence[Array]:
        assert not isinstance(content, Packed)
        self.released.wait(10)
        self.scored.append(len(content[0]))
        return content


class _Context:
    """As much of grpcio's context as a call without errors asks for."""

    def invocation_metadata(self) -> tuple[()]:
        return ()


class _Undescribed:
    """Metadata that nobody asks for here."""

    def server_document(self) -> dict[str, Any]:
        return {}

    def model_document(self) -> dict[str, Any]:
        return {}


def _service(scheduler: Scheduler, recorder: Recorder) -> InferenceService:
    readiness = Readiness()
    readiness.state = READY
    writer = ResponseWriter(_SCHEMA.outputs, name="m", version="", parameters={})
    served = Served(_IDENTITY, _SCHEMA, writer, DecodeLimits(), 10.0)
    return InferenceService(served, _Undescribed(), scheduler, recorder=recorder, readiness=readiness)


def _call(service: InferenceService, rows: int) -> "asyncio.Task[bytes]":
    body = message("ModelInferRequest")(**dense_row(rows)).SerializeToString()
    call: Any = service.calls["ModelInfer"](body, _Context())
    return asyncio.create_task(call)


async def test_who_leaves_the_queue_is_not_scored() -> None:
    held, recorder = _Held(), Recorder()
    scheduler = Scheduler(held, BatchLimits(max_rows=1, large_rows=1))
    service = _service(scheduler, recorder)
    first, left, last = (_call(service, rows) for rows in (2, 3, 4))
    await asyncio.sleep(0)  # each of them has queued its request
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    held.released.set()
    answers = [message("ModelInferResponse").FromString(await call) for call in (first, last)]
    scheduler.close()

    assert [2, 4] == held.scored
    assert [[2, 4], [4, 4]] == [list(answer.outputs[0].shape) for answer in answers]
    assert 0 == recorder.inflight
    assert {200: 2} == dict(recorder.stable.requests)
