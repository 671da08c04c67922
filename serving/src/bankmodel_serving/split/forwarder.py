"""Sends requests to a peer revision, or says why this pod has to answer itself; counts both. Used over REST and gRPC."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum

from bankmodel_serving.protocol import is_known_status
from bankmodel_serving.split.breaker import Breaker
from bankmodel_serving.split.link import Link, Lost
from bankmodel_serving.split.peer_connection import PeerAnswer
from bankmodel_serving.split.tally import SplitTally

__all__ = ["Forwarder", "Result", "head_of", "judge"]

_HANDED_ON = (b"content-encoding", b"content-type", b"inference-header-content-length", b"traceparent", b"x-request-id")


class Result(StrEnum):
    """How an attempt ended. All but OK lead to this pod's own answer."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    SKIPPED = "skipped"
    DROPPED = "dropped"  # copies only


_FAILURES = frozenset((Result.ERROR, Result.TIMEOUT, Result.UNREACHABLE))


def judge(found: PeerAnswer | Lost, to: str) -> Result:
    """What an answer is worth. A caller's own fault (4xx) is a good answer."""
    if isinstance(found, Lost):
        return Result(found.value)
    if found.revision != to:
        return Result.UNREACHABLE  # the address is somebody else's by now: whatever it says, it is not this revision's
    if found.status == 403:
        return Result.REFUSED
    if found.status >= 500 or not is_known_status(found.status):
        return Result.ERROR
    return Result.OK


def head_of(path: bytes, headers: Mapping[bytes, bytes], length: int, *, own: bytes) -> bytes:
    """The head of a request to a peer; `own` are the lines that say who asks."""
    lines = b"".join(b"%s: %s\r\n" % (name, headers[name]) for name in _HANDED_ON if name in headers)
    return b"POST %s HTTP/1.1\r\nhost: peer\r\n%s%scontent-length: %d\r\n\r\n" % (path, own, lines, length)


class Forwarder:
    """To one revision. The breaker knows nothing of refusals: who is not granted an answer met a pod that lives."""

    def __init__(self, link: Link, *, own: str, to: str, tally: SplitTally) -> None:
        self.link = link
        self.to = to
        self._own = b"x-bankmodel-from: %s\r\n" % own.encode()
        self._tally = tally
        self._breaker = Breaker()
        self._now = asyncio.get_running_loop().time

    async def forward(self, path: bytes, body: bytes, headers: Mapping[bytes, bytes]) -> PeerAnswer | Result:
        """The peer's answer, or the result that makes this pod answer itself."""
        found, result = await self._attempt(head_of(path, headers, len(body), own=self._own), body)
        self._tally.attempts[(self.to, result)] += 1
        if isinstance(found, PeerAnswer) and result is Result.OK:
            return found
        self._tally.fallbacks[(self.to, result)] += 1
        return result

    async def _attempt(self, head: bytes, body: bytes) -> tuple[PeerAnswer | Lost | None, Result]:
        if not self._breaker.allows(self._now()):
            return None, Result.SKIPPED
        try:
            found = await self.link.ask(head, body)
        except asyncio.CancelledError:
            self._breaker.left()
            raise
        result = judge(found, self.to)
        if result in _FAILURES:
            self._breaker.failed(self._now())
        else:
            self._breaker.succeeded()
        return found, result
