"""The split for REST: hands a request on and its answer back as they are, or has it scored here. Asked by the API.

Bytes are handed through: the pod that answers reads the request, and nobody else has to (ADR 18).
"""

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from bankmodel_serving.codec import Decoder
from bankmodel_serving.intake import BINARY, JSON, Reply, named
from bankmodel_serving.protocol import Request
from bankmodel_serving.recorder import Recorder, Traffic
from bankmodel_serving.scheduler import Outcome
from bankmodel_serving.split.comparing import read_rest_output
from bankmodel_serving.split.forwarder import Forwarder, Result
from bankmodel_serving.split.keys import Content, RestContent
from bankmodel_serving.split.peer_connection import PeerAnswer
from bankmodel_serving.split.shadow import Copy, Shadow
from bankmodel_serving.split.split import Split
from bankmodel_serving.trace import caller_of

__all__ = ["RestSplit"]

_LOG = logging.getLogger(__name__)
After = Callable[[Outcome], None]


class Own(Protocol):
    """Scores a request here. `fallback` says why, `after` is called once the answer has left."""

    def __call__(
        self, request: Request, reply: Reply, traffic: Traffic, *, fallback: str = "", after: After | None = None
    ) -> None: ...


class RestSplit:
    """Takes the requests that are not simply scored here."""

    def __init__(self, split: Split, own: Own, *, recorder: Recorder, decoder: Decoder, max_body_bytes: int) -> None:
        self._split = split
        self._own = own
        self._recorder = recorder
        self._decoder = decoder
        self._max_body_bytes = max_body_bytes
        self._loop = asyncio.get_running_loop()
        self._under_way: set[asyncio.Task[None]] = set()

    def takes(self, request: Request, reply: Reply) -> bool:
        """Whether the request is looked after; if not, nothing has happened to it."""

        def content() -> Content:
            return RestContent(request, self._decoder, self._max_body_bytes)

        forwarder = self._split.forwarder_for(content)
        if forwarder is not None:
            self._start(request, reply, forwarder)
            return True
        shadow = self._split.shadow
        if shadow is not None:
            self._own(request, reply, self._recorder.stable, after=_copying(shadow, request))
            return True
        return False

    def _start(self, request: Request, reply: Reply, forwarder: Forwarder) -> None:
        self._recorder.inflight += 1
        task = self._loop.create_task(self._forward(request, reply, forwarder))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        reply.on_leave = lambda: _cancel(task)

    async def _forward(self, request: Request, reply: Reply, forwarder: Forwarder) -> None:
        started = perf_counter()
        try:
            found = await forwarder.forward(request.path, request.body, request.headers)
        except Exception:
            _LOG.exception("a request could not be handed on")
            found = Result.ERROR
        reply.on_leave = None
        if isinstance(found, PeerAnswer):
            _relay(found, named(reply, caller_of(request.headers)) if request.headers else reply)
            self._recorder.canary.finished(found.status, perf_counter() - started)
        else:
            self._own(request, reply, self._recorder.stable, fallback=found)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._recorder.inflight -= 1


def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()


def _relay(found: PeerAnswer, reply: Reply) -> None:
    headers = b"x-bankmodel-revision: %s\r\n" % found.revision.encode("latin-1")
    if not found.json_length:
        reply.answer(found.status, found.body, JSON, headers, is_own=False)
        return
    headers += b"inference-header-content-length: %s\r\n" % found.json_length
    reply.answer(found.status, found.body, BINARY, headers, is_own=False)


def _copying(shadow: Shadow, request: Request) -> After:
    def after(outcome: Outcome) -> None:
        if isinstance(outcome, Exception):
            return  # there is nothing to compare with
        tally = shadow.score
        scores = None if tally is None else tally.of(outcome[tally.output])
        shadow.offer(Copy(request.path, request.body, scores, read_rest_output, request.headers))

    return after
