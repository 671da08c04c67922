"""The Open Inference Protocol v2 over REST: paths to answers. Called by connections on the event loop."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from time import perf_counter
from typing import Any, Protocol

import orjson

from bankmodel_serving.codec import AnswerForm, Decoder, Encoder, Inference
from bankmodel_serving.connection import error_body
from bankmodel_serving.errors import MethodNotAllowed, NotFound, RequestError
from bankmodel_serving.intake import JSON, Reply, described, fallen_back, named, read_inference
from bankmodel_serving.metrics import Identity
from bankmodel_serving.openapi import openapi_document
from bankmodel_serving.protocol import Request
from bankmodel_serving.readiness import DRAINING, Readiness
from bankmodel_serving.recorder import Recorder, Traffic
from bankmodel_serving.routing import RoutingTable
from bankmodel_serving.scheduler import Outcome, Scheduler, Ticket
from bankmodel_serving.tensors import Schema, TensorSpec
from bankmodel_serving.trace import caller_of

__all__ = ["Api", "Model", "no_such_model", "no_such_version"]

_SERVER_NAME = "bankmodel-serving"
_EXTENSIONS = ["binary_tensor_data"]
_PLATFORM = "onnx_onnxv1"
Handler = Callable[[Request, Reply], None]
After = Callable[[Outcome], None]


@dataclass(frozen=True)
class Model:
    """What is served, and the ways in and out of it."""

    identity: Identity
    schema: Schema
    decoder: Decoder
    encoder: Encoder


class Splitting(Protocol):
    """Looks after the requests that are not simply scored here."""

    def takes(self, request: Request, reply: Reply) -> bool: ...


class Api:
    """Routes requests of the scoring port. `table` is asked for the routing table in force.

    `split` is None while the routing table gives nothing to split, so that it costs nothing then.
    """

    def __init__(
        self,
        model: Model,
        scheduler: Scheduler,
        *,
        recorder: Recorder,
        readiness: Readiness,
        table: Callable[[], RoutingTable],
        server_version: str,
        timeout_s: float,
        max_body_bytes: int,
        max_rows: int,
    ) -> None:
        self._model = model
        self._scheduler = scheduler
        self._recorder = recorder
        self._readiness = readiness
        self._table = table
        self._server_version = server_version
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._max_rows = max_rows
        self.split: Splitting | None = None
        self._time = asyncio.get_running_loop().time
        self._routes = self._make_routes()
        self._new_id = map((uuid.uuid4().hex[:16] + "-%d").__mod__, count(1)).__next__

    def handle(self, request: Request, reply: Reply) -> None:
        methods = self._routes.get(request.path)
        handler = methods.get(request.method) if methods else None
        if handler is not None:
            handler(request, reply)
        elif methods:
            allowed = b", ".join(sorted(methods))
            error = MethodNotAllowed(f"{_show(request.method)} is not possible here; use {_show(allowed)}")
            reply.answer(error.status, error_body(str(error)), JSON, b"allow: %s\r\n" % allowed)
        else:
            reply.answer(NotFound.status, error_body(self._not_found(request.path)))

    def refused(self, status: int) -> None:
        """A request that never got as far as a path: counted, since a caller met it."""
        self._recorder.stable.requests[status] += 1

    def _make_routes(self) -> dict[bytes, dict[bytes, Handler]]:
        name, version = self._model.identity.model, self._model.identity.version
        bases = {f"/v2/models/{name}": self._infer}
        if version:  # who names a version asked for that one, and no other may answer
            bases[f"/v2/models/{name}/versions/{version}"] = self._infer_here
        routes: dict[str, dict[bytes, Handler]] = {
            "/openapi.json": {b"GET": self._openapi},
            "/v2": {b"GET": self._server_metadata},
            "/v2/health/live": {b"GET": self._live},
            "/v2/health/ready": {b"GET": self._ready},
        }
        for base, infer in bases.items():
            routes[base] = {b"GET": self._model_metadata}
            routes[f"{base}/ready"] = {b"GET": self._ready}
            routes[f"{base}/infer"] = {b"POST": infer}
        return {path.encode(): methods for path, methods in routes.items()}

    def _not_found(self, path: bytes) -> str:
        identity = self._model.identity
        parts = path.decode("latin-1").split("/")
        if parts[1:3] != ["v2", "models"]:
            return f"no path {_show(path)} here; the model is at /v2/models/{identity.model}"
        if len(parts) > 3 and parts[3] != identity.model:
            return no_such_model(identity, parts[3])
        if parts[4:5] == ["versions"] and parts[5:6] != [identity.version]:
            return no_such_version(identity)
        return f"no path {_show(path)} here; a model has /ready and /infer"

    # Scoring

    def _infer(self, request: Request, reply: Reply) -> None:
        if self.split is not None and self.split.takes(request, reply):
            return
        self.score(request, reply, self._recorder.stable)

    def _infer_here(self, request: Request, reply: Reply) -> None:
        self.score(request, reply, self._recorder.stable)

    def score(
        self, request: Request, reply: Reply, traffic: Traffic, *, fallback: str = "", after: After | None = None
    ) -> None:
        """Answer a scoring request with the own model, and count it as `traffic`.

        `fallback` is why nobody else did; `after` is told the outcome once the answer has left.
        """
        if fallback:
            reply = fallen_back(reply, fallback)
        if request.headers:  # uncommon: compressed, binary, with an id or a trace
            reply = named(reply, caller_of(request.headers))
        scoring = _Scoring(self, reply, traffic, perf_counter(), after)
        self._recorder.inflight += 1
        state = self._readiness.state
        if not state.is_ready and state is not DRAINING:
            scoring.fail(503, error_body(state.message, state.reason))
            return
        try:
            self._scheduler.admit()
            inference = self._read(request)
            if fallback:
                inference.form = replace(inference.form or AnswerForm(), fallback=fallback)
            scoring.start(inference)
        except RequestError as error:
            scoring.fail(error.status, error_body(str(error)))

    def _read(self, request: Request) -> Inference:
        decoder = self._model.decoder
        if request.headers:
            return read_inference(decoder, request, self._max_body_bytes)
        return decoder.decode(request.body)

    # Health and metadata

    def _live(self, request: Request, reply: Reply) -> None:
        reply.answer(200, b'{"live":true}')

    def _ready(self, request: Request, reply: Reply) -> None:
        state = self._readiness.state
        if not state.is_ready:
            reply.answer(503, error_body(state.message, state.reason))
        elif request.path.startswith(b"/v2/models/"):
            reply.answer(200, orjson.dumps({"name": self._model.identity.model, "ready": True}))
        else:
            reply.answer(200, b'{"ready":true}')

    def _server_metadata(self, request: Request, reply: Reply) -> None:
        reply.answer(200, orjson.dumps(self.server_document()))

    def _openapi(self, request: Request, reply: Reply) -> None:
        reply.answer(200, self._openapi_body)

    @cached_property
    def _openapi_body(self) -> bytes:
        model = self._model
        document = openapi_document(
            model.schema, model.identity, server_version=self._server_version, max_rows=self._max_rows
        )
        return orjson.dumps(document)

    def _model_metadata(self, request: Request, reply: Reply) -> None:
        reply.answer(200, orjson.dumps(self.model_document()))

    def server_document(self) -> dict[str, Any]:
        """Server metadata, as the protocol has it."""
        return {"name": _SERVER_NAME, "version": self._server_version, "extensions": _EXTENSIONS}

    def model_document(self) -> dict[str, Any]:
        """Model metadata, as the protocol has it."""
        identity, table = self._model.identity, self._table()
        properties = {
            "revision": identity.revision,
            "sha256": identity.sha256,
            "owner": table.owner,
            "tier": table.tier,
            "purpose": table.purpose,
        }
        return {
            "name": identity.model,
            "versions": [identity.version] if identity.version else [],
            "platform": _PLATFORM,
            "inputs": [_tensor_metadata(spec) for spec in self._model.schema.inputs],
            "outputs": [_tensor_metadata(spec) for spec in self._model.schema.outputs],
            "properties": {key: value for key, value in properties.items() if value},
        }


class _Scoring:
    """One scoring request from its decoded inputs to its answer."""

    __slots__ = ("_after", "_api", "_inference", "_reply", "_started", "_ticket", "_traffic")

    def __init__(self, api: Api, reply: Reply, traffic: Traffic, started: float, after: After | None) -> None:
        self._api = api
        self._reply = reply
        self._traffic = traffic
        self._started = started
        self._after = after

    def start(self, inference: Inference) -> None:
        api = self._api
        if inference.undeclared or inference.absent:
            api._recorder.undeclared += inference.undeclared
            api._recorder.absent.update(inference.absent)
        self._inference = inference
        deadline = api._time() + api._timeout_s
        self._ticket = Ticket(inference.content, inference.rows, deadline, self._settle)
        api._scheduler.submit(self._ticket)
        self._reply.on_leave = self._leave

    def fail(self, status: int, body: bytes) -> None:
        self._answer(status, body)

    def _settle(self, outcome: Outcome) -> None:
        if isinstance(outcome, RequestError):
            self._answer(outcome.status, error_body(str(outcome)))
            return
        inference = self._inference
        request_id = inference.id or self._api._new_id()
        encoder = self._api._model.encoder
        if inference.form is None:
            self._answer(200, encoder.encode(request_id, outcome, inference.selection))
        else:
            framed = encoder.encode_as(inference.form, request_id, outcome, inference.selection)
            self._answer(200, framed.body, *described(framed))
        if self._after is not None:
            self._after(outcome)

    def _answer(self, status: int, body: bytes, content_type: str = JSON, headers: bytes = b"") -> None:
        self._api._recorder.inflight -= 1
        self._reply.answer(status, body, content_type, headers)
        self._traffic.finished(status, perf_counter() - self._started)

    def _leave(self) -> None:
        self._api._recorder.inflight -= 1
        self._api._scheduler.leave(self._ticket)


def no_such_model(identity: Identity, name: str) -> str:
    """What a caller is told who asks for another model."""
    return f"no model {name[:80]} here; this server serves {identity.model}"


def no_such_version(identity: Identity) -> str:
    """What a caller is told who asks for another version."""
    return f"model {identity.model} has no such version here; it serves {identity.version or 'one without a name'}"


def _show(value: bytes) -> str:
    return value[:80].decode("latin-1")


def _tensor_metadata(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.kind.datatype, "shape": spec.wire_shape}
