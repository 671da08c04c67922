"""One TCP connection: bytes to the reader, requests to the app one at a time, answers back in order. I/O.

A connection has at most one request in work; what a client pipelines beyond it waits, and reading pauses, so that a
client can hold no more memory than one read. Made by the listener; checked for idleness by its sweep.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

import orjson

from bankmodel_serving.errors import Overloaded, RequestError, RequestTimeout
from bankmodel_serving.protocol import Continue, Event, Refusal, Request, RequestReader, WireLimits, response_head

__all__ = ["App", "Connection", "Site", "Timeouts", "error_body"]

_LINGER_S = 2.0
_QUIET_S = 5.0  # how long a connection may be silent while callers are being asked to reconnect
_ARRIVING_S = 0.5  # who has just connected, or just got an answer, may be sending


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `request_s` bounds reading a body, waiting, scoring, and a client that does not read its answer."""

    idle_s: float = 75.0
    header_s: float = 10.0
    request_s: float = 10.0


class App(Protocol):
    """Answers requests, at once or later, by calling `reply.answer` exactly once for each."""

    def handle(self, request: Request, reply: "Connection") -> None: ...

    def refused(self, status: int) -> None: ...


@dataclass
class Site:
    """What the connections of one listener share. `is_closing` asks callers to reconnect."""

    app: App
    wire: WireLimits = field(default_factory=WireLimits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_connections: int = 1024
    max_buffered_bytes: int = 64 << 20
    is_closing: bool = False
    buffered_bytes: int = 0
    connections: "set[Connection]" = field(default_factory=set)


def error_body(message: str, reason: str | None = None) -> bytes:
    """The protocol's error document; `reason` is added where one exists."""
    return orjson.dumps({"error": message} if reason is None else {"error": message, "reason": reason})


class Connection(asyncio.Protocol):
    """See the module. `on_leave` is set by the app while it works, and called if the client goes away meanwhile."""

    # fmt: off
    __slots__ = (
        "_has_ended", "_held", "_is_advancing", "_is_busy", "_is_lingering", "_is_reading_paused", "_is_write_paused",
        "_keeps_alive", "_loop", "_reader", "_since", "_site", "_transport", "_waiting", "on_leave",
    )
    # fmt: on

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._loop = loop
        self._reader = RequestReader(site.wire)
        self._transport = cast(asyncio.Transport, None)  # set before anything else is called
        self._waiting: deque[Event] = deque()
        self._is_busy = self._is_advancing = self._is_lingering = False
        self._is_write_paused = self._is_reading_paused = False
        self._keeps_alive = True
        self._since = loop.time()
        self._held = 0
        self._has_ended = False  # the client closed its half
        self.on_leave: Callable[[], None] | None = None

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._site.connections.add(self)
        if len(self._site.connections) > self._site.max_connections:
            self._refuse(Overloaded(f"{self._site.max_connections} connections are open already; add replicas"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.connections.discard(self)
        self._site.buffered_bytes -= self._held
        self._held = 0
        self._waiting.clear()
        leave, self.on_leave = self.on_leave, None
        if leave is not None:
            leave()

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            return
        if not self._reader.is_reading:
            self._since = self._loop.time()
        events = self._reader.feed(data)
        if self._reader.body_bytes or self._held:
            self._account()
        if events:
            self._waiting.extend(events)
            self._advance()

    def eof_received(self) -> bool:
        self._has_ended = True
        return self.is_working  # a client may close its half and still wait for the answer

    def pause_writing(self) -> None:
        self._is_write_paused = True

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._advance()

    # The app calls this.

    def answer(self, status: int, body: bytes, content_type: str = "application/json", headers: bytes = b"") -> None:
        """Send the answer to the request in work and go on with the next. `headers` are whole lines to be added."""
        self.on_leave = None
        self._is_busy = False
        closes = not self._keeps_alive or self._site.is_closing or (self._has_ended and not self._waiting)
        self._send(status, body, closes, content_type, headers)
        if closes:
            self._finish()
        elif not self._is_advancing:
            self._advance()

    # The sweep calls these.

    def check(self, now: float) -> None:
        """End the connection if it has been idle or slow for too long."""
        silent = now - self._since
        timeouts = self._site.timeouts
        if self._is_lingering:
            if silent > _LINGER_S:
                self._transport.abort()
        elif self._transport.get_write_buffer_size() and silent > timeouts.request_s + timeouts.idle_s:
            self._transport.abort()
        elif self._is_busy:
            return
        elif self._reader.is_reading:
            self._check_reading(silent, timeouts)
        elif silent > (min(_QUIET_S, timeouts.idle_s) if self._site.is_closing else timeouts.idle_s):
            self._transport.close()

    def close_if_idle(self, now: float) -> None:
        """End the connection unless a request is being read or answered, or may be on its way on a new connection."""
        if not self.is_working and not self._reader.is_reading and now - self._since > _ARRIVING_S:
            self._transport.close()

    @property
    def is_working(self) -> bool:
        return self._is_busy or bool(self._waiting)

    def _check_reading(self, silent: float, timeouts: Timeouts) -> None:
        limit = timeouts.header_s if self._reader.is_in_headers else timeouts.request_s
        if silent > limit:
            what = "headers" if self._reader.is_in_headers else "body"
            self._refuse(RequestTimeout(f"the request's {what} did not arrive within {limit:g} s"))

    def _advance(self) -> None:
        """Hand out what waits, one request after the other."""
        self._is_advancing = True
        while self._waiting and not self._is_busy and not self._is_write_paused and not self._is_lingering:
            if self._transport.is_closing():
                self._waiting.clear()
                break
            self._take(self._waiting.popleft())
        self._is_advancing = False
        self._throttle()

    def _take(self, event: Event) -> None:
        if type(event) is Request:
            self._is_busy = True
            self._keeps_alive = event.keeps_alive
            self._site.app.handle(event, self)
        elif type(event) is Continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif type(event) is Refusal:
            self._refuse(event.error)

    def _throttle(self) -> None:
        """Stop reading while requests wait, so that the kernel's buffer and then the client have to."""
        if bool(self._waiting) is self._is_reading_paused or self._transport.is_closing():
            return
        self._is_reading_paused = bool(self._waiting)
        if self._is_reading_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _account(self) -> None:
        site = self._site
        site.buffered_bytes += self._reader.body_bytes - self._held
        self._held = self._reader.body_bytes
        if site.buffered_bytes > site.max_buffered_bytes and self._held:
            self._refuse(Overloaded("too many large bodies are being received at once; try again or add replicas"))

    def _refuse(self, error: RequestError) -> None:
        self._site.app.refused(error.status)
        self._send(error.status, error_body(str(error)), True, "application/json")
        self._linger()

    def _send(self, status: int, body: bytes, closes: bool, content_type: str, headers: bytes = b"") -> None:
        head = response_head(status, closes, content_type) % len(body)
        if headers:
            head = head[:-2] + headers + b"\r\n"
        self._transport.write(head + body)

    def _finish(self) -> None:
        """Close after the last answer; if the client is still sending, let it read that answer first."""
        if self._waiting or self._reader.is_reading:
            self._linger()
        else:
            self._transport.close()

    def _linger(self) -> None:
        """Say goodbye and discard what still comes: closing at once would reset the connection under the answer."""
        self._is_lingering = True
        self._waiting.clear()
        self._since = self._loop.time()
        if self._is_reading_paused:
            self._is_reading_paused = False
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
