"""The uncommon ways a scoring request comes and is answered: compressed, binary, with an id or a trace. For the API.

Most requests have no header that changes anything, and never come here.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from bankmodel_serving.codec import AnswerForm, Decoder, Framed, Inference, inflate
from bankmodel_serving.protocol import Request
from bankmodel_serving.trace import Caller, caller_of

__all__ = ["BINARY", "JSON", "Reply", "described", "fallen_back", "named", "read_inference"]

_LOG = logging.getLogger(__name__)
JSON = "application/json"
BINARY = "application/octet-stream"


class Reply(Protocol):
    """Where an answer goes. `headers` are whole header lines."""

    on_leave: Callable[[], None] | None

    def answer(
        self, status: int, body: bytes, content_type: str = ..., headers: bytes = ..., *, is_own: bool = ...
    ) -> None: ...


class AnnotatedReply:
    """A reply whose answer carries header lines of its own. `caller`: who said who it is, so that the log can be searched."""

    __slots__ = ("_caller", "_lines", "_reply")

    def __init__(self, reply: Reply, lines: bytes, caller: Caller | None = None) -> None:
        self._reply = reply
        self._lines = lines
        self._caller = caller

    @property
    def on_leave(self) -> Callable[[], None] | None:
        return self._reply.on_leave

    @on_leave.setter
    def on_leave(self, leave: Callable[[], None] | None) -> None:
        self._reply.on_leave = leave

    def answer(
        self, status: int, body: bytes, content_type: str = JSON, headers: bytes = b"", *, is_own: bool = True
    ) -> None:
        caller = self._caller
        if caller is not None:
            _LOG.debug(
                "answered",
                extra={"status": status, "request_id": caller.request_id, "traceparent": caller.traceparent},
            )
        self._reply.answer(status, body, content_type, headers + self._lines, is_own=is_own)


def named(reply: Reply, caller: Caller) -> Reply:
    """The reply to a caller who said who it is: its x-request-id goes back."""
    lines = b"x-request-id: %s\r\n" % caller.request_id.encode("ascii") if caller.request_id else b""
    return AnnotatedReply(reply, lines, caller)


def fallen_back(reply: Reply, reason: str) -> Reply:
    """The reply to a request that another revision should have answered: every answer says why it did not."""
    return AnnotatedReply(reply, b"x-bankmodel-fallback: %s\r\n" % reason.encode("ascii"))


def read_inference(decoder: Decoder, request: Request, max_body_bytes: int) -> Inference:
    """The request as its headers say it is to be read; raises RequestError."""
    headers, body, caller = request.headers, request.body, caller_of(request.headers)
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        body = inflate(body, max_body_bytes)
    json_length = headers.get(b"inference-header-content-length")
    inference = decoder.decode(body) if json_length is None else decoder.decode_binary(body, json_length)
    inference.id = inference.id or caller.request_id or None
    if caller.traceparent:
        inference.form = replace(inference.form or AnswerForm(), traceparent=caller.traceparent)
    return inference


def described(framed: Framed) -> tuple[str, bytes]:
    """Content type and header lines of an answer."""
    if framed.json_length is None:
        return JSON, b""
    return BINARY, b"inference-header-content-length: %d\r\n" % framed.json_length
