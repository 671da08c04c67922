"""One kept connection to a peer port: requests are sent together, and answered one after the other. I/O; owned by a link."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import httptools

__all__ = ["PeerAnswer", "PeerConnection", "Sent"]

Sent = tuple[bytes, bytes]
"""A request: head and body."""

_MAX_HEADERS = 64
_MAX_HEADER_BYTES = 16 << 10
_MAX_BODY_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What a peer said. `revision` is who it says it is."""

    status: int
    body: bytes
    content_type: str
    json_length: bytes
    revision: str


class PeerConnection(asyncio.Protocol):
    """Made by a link. `keeps_alive` says whether the connection can take another request."""

    def __init__(self, retire_at: float, loop: asyncio.AbstractEventLoop) -> None:
        self.retire_at = retire_at
        self.keeps_alive = True
        self._loop = loop
        self._transport = cast(asyncio.Transport, None)  # set before anything else is called
        self._parser = httptools.HttpResponseParser(self)
        self._ended: asyncio.Future[bool] | None = None
        self._begin()

    async def ask(self, requests: Sequence[Sent], take: Callable[[PeerAnswer], object]) -> bool:
        """Send requests; `take` gets one answer after the other. False: no more come, and of the next one some had come already.

        Whoever gives up waiting ends the connection with it.
        """
        if self._transport.is_closing():
            return True
        self._has_begun, self._awaited, self._take = False, len(requests), take
        self._ended = self._loop.create_future()
        self._transport.writelines([piece for request in requests for piece in request])
        try:
            return await self._ended
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        finally:
            self._ended = None

    def close(self) -> None:
        self._transport.close()

    @property
    def is_open(self) -> bool:
        return self.keeps_alive and not self._transport.is_closing()

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            if self._ended is None:
                raise httptools.HttpParserError("nobody asked")
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.keeps_alive = False
            self._transport.abort()
            self._settle(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.keeps_alive = False
        self._settle(not self._has_begun)

    # httptools calls these; what they raise ends the connection.

    def on_message_begin(self) -> None:
        self._begin()
        self._has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if len(self._headers) >= _MAX_HEADERS or self._header_bytes > _MAX_HEADER_BYTES:
            raise ValueError("more headers than any peer sends")
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > _MAX_BODY_BYTES:
            raise ValueError("a larger answer than any peer gives")
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._ended is None or self._ended.done():
            raise ValueError("an answer that nobody asked for")
        self._has_begun = False
        self.keeps_alive = self._parser.should_keep_alive()
        found = self._headers.get
        answer = PeerAnswer(
            self._parser.get_status_code(),
            b"".join(self._body),
            found(b"content-type", b"").decode("latin-1"),
            found(b"inference-header-content-length", b""),
            found(b"x-bankmodel-revision", b"").decode("latin-1"),
        )
        self._awaited -= 1
        self._take(answer)
        if not (self._awaited and self.keeps_alive):
            self._settle(True)

    def _begin(self) -> None:
        self._has_begun = False
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0

    def _settle(self, is_whole: bool) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(is_whole)
