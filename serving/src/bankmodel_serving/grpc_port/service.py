"""The six calls of the Open Inference Protocol over gRPC, on the scoring event loop. Registered by the port.

Requests go to the same scheduler as those over REST, so that both are scored in the same batches, and fail with the
same sentences. grpcio hands over bytes and takes bytes: a message that can't be read is the caller's error, not ours.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import Any, NoReturn, Protocol

import grpc

from bankmodel_serving.api import no_such_model, no_such_version
from bankmodel_serving.codec import DecodeLimits
from bankmodel_serving.errors import InferenceFailed, NotFound, Overloaded, RequestError
from bankmodel_serving.grpc_port.messages import message
from bankmodel_serving.grpc_port.reading import parse, read_request, uses_raw
from bankmodel_serving.grpc_port.splitting import After, GrpcSplit, error_of
from bankmodel_serving.grpc_port.writing import Asked, ResponseWriter
from bankmodel_serving.metrics import Identity
from bankmodel_serving.readiness import DRAINING, Readiness
from bankmodel_serving.recorder import Recorder, Traffic
from bankmodel_serving.scheduler import Outcome, Scheduler, Ticket
from bankmodel_serving.split.peer_connection import PeerAnswer
from bankmodel_serving.split.split import Split
from bankmodel_serving.tensors import Schema
from bankmodel_serving.trace import Caller, caller_of

__all__ = ["InferenceService", "Served"]

_LOG = logging.getLogger(__name__)
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_CALLER_KEYS = frozenset(("traceparent", "x-request-id"))
_NOBODY = Caller()
Call = Callable[[bytes, Any], Awaitable[bytes]]


@dataclass(frozen=True)
class Served:
    """What is served over gRPC, and how much of it at once."""

    identity: Identity
    schema: Schema
    writer: ResponseWriter
    limits: DecodeLimits
    timeout_s: float


class Describing(Protocol):
    """Gives the metadata, as REST has it."""

    def server_document(self) -> dict[str, Any]: ...

    def model_document(self) -> dict[str, Any]: ...


class InferenceService:
    """`calls` are the handlers by name: bytes in, bytes out, errors as a gRPC status."""

    def __init__(
        self, served: Served, describing: Describing, scheduler: Scheduler, *, recorder: Recorder, readiness: Readiness
    ) -> None:
        self._served = served
        self._describing = describing
        self._scheduler = scheduler
        self._recorder = recorder
        self._readiness = readiness
        self._loop = asyncio.get_running_loop()
        self.split: GrpcSplit | None = None  # None while there is nothing to split
        self._said = _metadata(served.identity.revision)
        self._new_id = map((uuid.uuid4().hex[:16] + "-%d").__mod__, count(1)).__next__
        self.calls: Mapping[str, Call] = {
            "ServerLive": _answering(self._server_live),
            "ServerReady": _answering(self._server_ready),
            "ModelReady": _answering(self._model_ready),
            "ServerMetadata": _answering(self._server_metadata),
            "ModelMetadata": _answering(self._model_metadata),
            "ModelInfer": self._model_infer,
        }

    # Health and metadata

    def _server_live(self, body: bytes) -> Any:
        return message("ServerLiveResponse")(live=True)

    def _server_ready(self, body: bytes) -> Any:
        return message("ServerReadyResponse")(ready=self._readiness.state.is_ready)

    def _model_ready(self, body: bytes) -> Any:
        request = parse("ModelReadyRequest", body)
        self._refuse_others(request.name, request.version)
        return message("ModelReadyResponse")(ready=self._readiness.state.is_ready)

    def _server_metadata(self, body: bytes) -> Any:
        return message("ServerMetadataResponse")(**self._describing.server_document())

    def _model_metadata(self, body: bytes) -> Any:
        request = parse("ModelMetadataRequest", body)
        self._refuse_others(request.name, request.version)
        return message("ModelMetadataResponse")(**self._describing.model_document())

    def _refuse_others(self, name: str, version: str) -> None:
        identity = self._served.identity
        if name != identity.model:
            raise NotFound(no_such_model(identity, name))
        if version not in ("", identity.version):
            raise NotFound(no_such_version(identity))

    # Scoring

    def follow(self, split: Split) -> None:
        """Ask this split before scoring; called whenever it may have become idle or busy."""
        if split.is_idle:
            self.split = None
        elif self.split is None:
            self.split = GrpcSplit(split, self._served.identity.model)

    async def _model_infer(self, body: bytes, context: Any) -> bytes:
        caller, said = _caller(context), self._said
        fallback, after = "", None
        if self.split is not None:
            found = await self._split(self.split, body, caller)
            if isinstance(found, PeerAnswer):
                return await _relay(context, found)
            fallback, after = found
            said += (("x-bankmodel-fallback", fallback),) if fallback else ()
        if said:
            context.set_trailing_metadata(said)
        try:
            return await self.score(body, caller, self._recorder.stable, fallback=fallback, after=after)
        except RequestError as error:
            return await _abort(context, error)

    async def _split(self, split: GrpcSplit, body: bytes, caller: Caller) -> "PeerAnswer | tuple[str, After | None]":
        """The answer of another revision, or why there is none, and who wants to know of our own."""
        started, recorder = perf_counter(), self._recorder
        recorder.inflight += 1
        try:
            found = await split.ask(body, caller)
        finally:
            recorder.inflight -= 1
        if isinstance(found, PeerAnswer):
            recorder.canary.finished(found.status, perf_counter() - started)
        return found

    async def score(
        self, body: bytes, caller: Caller, traffic: Traffic, *, fallback: str = "", after: After | None = None
    ) -> bytes:
        """The answer of the own model, counted as `traffic`; raises RequestError.

        `fallback` is why nobody else gave it; `after` is told what was scored.
        """
        started, recorder = perf_counter(), self._recorder
        recorder.inflight += 1
        try:
            answer = await self._score(body, caller, fallback, after)
        except RequestError as found:
            error = found
        except Exception:  # grpcio would tell the caller its type and text
            _LOG.exception("a call failed in a way nobody foresaw")
            error = InferenceFailed("scoring failed; the server's log says why")
        else:
            traffic.finished(200, perf_counter() - started)
            return answer
        finally:
            recorder.inflight -= 1
        traffic.finished(error.status, perf_counter() - started)
        raise error

    async def _score(self, body: bytes, caller: Caller, fallback: str, after: After | None) -> bytes:
        """A caller who leaves or whose deadline passes cancels this."""
        state = self._readiness.state
        if not state.is_ready and state is not DRAINING:
            raise Overloaded(state.message)
        self._scheduler.admit()
        request = parse("ModelInferRequest", body)
        self._refuse_others(request.model_name, request.model_version)
        ticket, answer = self._ticket(request, caller, fallback, after)
        self._scheduler.submit(ticket)
        try:
            outcome = await answer
        except asyncio.CancelledError:
            self._scheduler.leave(ticket)
            raise
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome

    def _ticket(
        self, request: Any, caller: Caller, fallback: str, after: After | None
    ) -> "tuple[Ticket, asyncio.Future[bytes | RequestError]]":
        served, recorder = self._served, self._recorder
        inference = read_request(served.schema, request, served.limits)
        if inference.undeclared or inference.absent:
            recorder.undeclared += inference.undeclared
            recorder.absent.update(inference.absent)
        answer: asyncio.Future[bytes | RequestError] = self._loop.create_future()
        request_id = inference.id or caller.request_id or self._new_id()
        asked = Asked(request_id, uses_raw(request), caller.traceparent, fallback)

        def settle(outcome: Outcome) -> None:
            if answer.done():
                return  # the caller left in this very turn
            # Written here and not by who awaits it: the arrays may be buffers of the next batch by then.
            try:
                if isinstance(outcome, RequestError):
                    answer.set_result(outcome)
                else:
                    answer.set_result(served.writer.write(asked, outcome, inference.selection))
                    if after is not None:
                        after(outcome)
            except Exception as error:
                answer.set_exception(error)

        deadline = self._loop.time() + served.timeout_s
        return Ticket(inference.content, inference.rows, deadline, settle), answer


def _answering(answer: Callable[[bytes], Any]) -> Call:
    """A handler that serialises what `answer` gives."""

    async def call(body: bytes, context: Any) -> bytes:
        try:
            return bytes(answer(body).SerializeToString())
        except RequestError as error:
            await _abort(context, error)

    return call


def _caller(context: Any) -> Caller:
    found = {key.encode(): value.encode() for key, value in context.invocation_metadata() if key in _CALLER_KEYS}
    return caller_of(found) if found else _NOBODY


def _metadata(revision: str) -> tuple[tuple[str, str], ...]:
    return (("x-bankmodel-revision", revision),) if revision else ()


async def _relay(context: Any, found: PeerAnswer) -> bytes:
    context.set_trailing_metadata(_metadata(found.revision))
    if found.status == 200:
        return found.body
    return await _abort(context, error_of(found))


async def _abort(context: Any, error: RequestError) -> NoReturn:
    await context.abort(_CODES.get(error.status, grpc.StatusCode.INTERNAL), str(error))
    raise AssertionError("abort always raises")
