"""What the peer port answers: scoring requests of other revisions' pods, as far as the routing table grants them.

It never forwards: what comes in here is answered by this process or refused, so that no request can go round in a circle.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import time

from bankmodel_serving.api import Api
from bankmodel_serving.connection import error_body
from bankmodel_serving.errors import RequestError
from bankmodel_serving.intake import JSON, Reply
from bankmodel_serving.protocol import Request
from bankmodel_serving.recorder import Recorder, Traffic
from bankmodel_serving.routing import RoutingTable, is_granted
from bankmodel_serving.trace import Caller, caller_of

__all__ = ["PeerApp"]

_LOG = logging.getLogger(__name__)
_FROM, _SHADOW = b"x-bankmodel-from", b"x-bankmodel-shadow"
_GRPC_PATH = b"/inference.GRPCInferenceService/ModelInfer"
_PROTO = "application/grpc+proto"
ScoreMessage = Callable[[bytes, Caller, Traffic], Awaitable[bytes]]


class PeerApp:
    """`score_message` answers calls that came over gRPC; None: this pod does not speak it."""

    def __init__(
        self, api: Api, *, model: str, revision: str, table: Callable[[], RoutingTable], recorder: Recorder
    ) -> None:
        self._api = api
        self._revision = revision
        self._table = table
        self._recorder = recorder
        self._path = f"/v2/models/{model}/infer".encode()
        self._under_way: set[asyncio.Task[None]] = set()
        self.score_message: ScoreMessage | None = None

    def handle(self, request: Request, reply: Reply) -> None:
        if request.method != b"POST" or request.path not in (self._path, _GRPC_PATH):
            reply.answer(404, error_body("here pods of other revisions send scoring requests, and nothing else"))
            return
        is_copy = _SHADOW in request.headers
        traffic = self._recorder.shadow if is_copy else self._recorder.peer
        caller = request.headers.get(_FROM, b"").decode("latin-1")
        if not is_granted(self._table(), self._revision, caller=caller, is_copy=is_copy, now=time()):
            traffic.requests[403] += 1
            reply.answer(403, error_body("the routing table grants this pod no answer to you", "NotGranted"))
        elif request.path == self._path:
            request.headers = _without_ours(request.headers)
            self._api.score(request, reply, traffic)
        else:
            self._call(request, reply, traffic)

    def refused(self, status: int) -> None:
        """A request that never got as far as a path."""
        self._recorder.peer.requests[status] += 1

    def _call(self, request: Request, reply: Reply, traffic: Traffic) -> None:
        if self.score_message is None:
            reply.answer(501, error_body("gRPC is not spoken here"))
            return
        task = asyncio.get_running_loop().create_task(self._answer(self.score_message, request, reply, traffic))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        reply.on_leave = lambda: _cancel(task)

    async def _answer(self, score: ScoreMessage, request: Request, reply: Reply, traffic: Traffic) -> None:
        status, content_type = 200, _PROTO
        try:
            body = await score(request.body, caller_of(request.headers), traffic)
        except RequestError as error:
            status, body, content_type = error.status, error_body(str(error)), JSON
        reply.answer(status, body, content_type)


def _without_ours(headers: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """Only what the caller had sent: most requests then have no header that changes anything."""
    return {name: value for name, value in headers.items() if name not in (_FROM, _SHADOW)}


def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
