"""The split for calls over gRPC: a call travels to a peer port as one message over HTTP, and so does its answer.

Pods speak HTTP/1.1 to each other whatever the caller speaks: one port, one kind of connection, one breaker. Asked by the service.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
import orjson
from google.protobuf.message import DecodeError

from bankmodel_serving.errors import BadRequest, RequestError
from bankmodel_serving.grpc_port.messages import SERVICE, message
from bankmodel_serving.grpc_port.reading import parse
from bankmodel_serving.scheduler import Outcome
from bankmodel_serving.split.comparing import ReadOutput
from bankmodel_serving.split.forwarder import Result
from bankmodel_serving.split.keys import raw_values
from bankmodel_serving.split.peer_connection import PeerAnswer
from bankmodel_serving.split.shadow import Copy, Shadow
from bankmodel_serving.split.split import Split
from bankmodel_serving.tensors import Array
from bankmodel_serving.trace import Caller

__all__ = ["PEER_PATH", "After", "GrpcSplit", "error_of", "read_grpc_output"]

_LOG = logging.getLogger(__name__)
PEER_PATH = f"/{SERVICE}/ModelInfer".encode()
After = Callable[[Outcome], None]
_CONTENT_TYPE = b"application/grpc+proto"


class GrpcSplit:
    """For calls that name the model and no version: who names one asked for that, and no other may answer."""

    def __init__(self, split: Split, model: str) -> None:
        self._split = split
        self._model = model

    async def ask(self, body: bytes, caller: Caller) -> "PeerAnswer | tuple[str, After | None]":
        """The answer of another revision, or why there is none (empty: none was asked) and who wants to know of our own."""
        try:
            request = parse("ModelInferRequest", body)
        except RequestError:
            return "", None  # its own answer will say so
        if request.model_name != self._model or request.model_version:
            return "", None
        forwarder = self._split.forwarder_for(lambda: _GrpcContent(request))
        if forwarder is None:
            shadow = self._split.shadow
            return "", None if shadow is None else _copying(shadow, body, _headers(caller))
        try:
            found = await forwarder.forward(PEER_PATH, body, _headers(caller))
        except asyncio.CancelledError:
            raise
        except Exception:
            _LOG.exception("a call could not be handed on")
            found = Result.ERROR
        return found if isinstance(found, PeerAnswer) else (found.value, None)


def error_of(found: PeerAnswer) -> RequestError:
    """What a peer complained of: a caller's own fault, with the sentence as it would be here."""
    try:
        sentence = str(orjson.loads(found.body)["error"])
    except (ValueError, LookupError, TypeError):
        sentence = "the request was refused"
    error = BadRequest(sentence)
    error.status = found.status
    return error


def read_grpc_output(answer: PeerAnswer, name: str) -> Array | None:
    """As the JSON reader has it, from a ModelInferResponse."""
    try:
        response = message("ModelInferResponse").FromString(answer.body)
    except DecodeError:
        return None
    for index, output in enumerate(response.outputs):
        if output.name == name:
            values = list(_values(output, response.raw_output_contents, index))
            fits = len(values) == np.prod(list(output.shape), dtype=np.int64)
            return np.array(values, dtype=np.float64).reshape(list(output.shape)) if fits else None
    return None


def _values(tensor: Any, raw: Any, index: int) -> Iterable[Any]:
    if index < len(raw):
        return raw_values(tensor.name, tensor.datatype, list(tensor.shape), raw[index])
    return (value for _, values in tensor.contents.ListFields() for value in values)


class _GrpcContent:
    """A parsed ModelInferRequest."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def parameter(self, name: str) -> Any:
        if name not in self._request.parameters:
            return None
        parameter = self._request.parameters[name]
        chosen = parameter.WhichOneof("parameter_choice")
        return None if chosen is None else getattr(parameter, chosen)

    def values(self, name: str) -> Iterable[Any]:
        for index, tensor in enumerate(self._request.inputs):
            if tensor.name == name:
                return _values(tensor, self._request.raw_input_contents, index)
        return ()

    def inputs(self) -> Collection[str]:
        return {tensor.name for tensor in self._request.inputs}


def _headers(caller: Caller) -> Mapping[bytes, bytes]:
    found = {b"x-request-id": caller.request_id, b"traceparent": caller.traceparent}
    return {b"content-type": _CONTENT_TYPE, **{key: text.encode("ascii") for key, text in found.items() if text}}


def _copying(shadow: Shadow, body: bytes, headers: Mapping[bytes, bytes]) -> After:
    read: ReadOutput = read_grpc_output

    def after(outcome: Outcome) -> None:
        if isinstance(outcome, RequestError):
            return
        tally = shadow.score
        scores = None if tally is None else tally.of(outcome[tally.output])
        shadow.offer(Copy(PEER_PATH, body, scores, read, headers))

    return after
