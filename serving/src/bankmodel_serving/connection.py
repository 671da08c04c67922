"""One TCP connection: bytes to the reader, requests to the app one at a time, answers back in order. I/O.

A connection has at most one request in work. What a client pipelines beyond it waits unparsed but for one slice, and
reading pauses, so that a client holds no more memory than one read, all clients no more than `max_buffered_bytes`.
Made by the listener; checked for idleness by its sweep.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import orjson

from bankmodel_serving.errors import Overloaded, RequestError, RequestTimeout
from bankmodel_serving.protocol import Continue, Event, Refusal, Request, RequestReader, WireLimits, response_head

__all__ = ["App", "Connection", "Site", "Timeouts", "error_body"]

_LINGER_S = 2.0
_QUIET_S = 5.0  # how long a connection may be silent while callers are asked to reconnect, or places are scarce
_CROWDED = 0.9  # the share of places from which on they are scarce
_SLICE_BYTES = 16 << 10  # parsed at once: a read of 250 KB could hold 10,000 requests, which take 3 MB once parsed
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
    lines: bytes = b""  # header lines of every answer of our own
    max_connections: int = 1024
    max_buffered_bytes: int = 64 << 20
    is_closing: bool = False
    buffered_bytes: int = 0
    connections: "set[Connection]" = field(default_factory=set)
    refused: "set[Connection]" = field(default_factory=set)
    handshaking: "set[Connection]" = field(default_factory=set)  # accepted, and not yet through with TLS

    @property
    def open_count(self) -> int:
        """Accepted and not closed, whatever they are at."""
        return len(self.connections) + len(self.handshaking)

    @property
    def is_full(self) -> bool:
        return self.open_count >= self.max_connections

    @property
    def is_crowded(self) -> bool:
        return self.open_count > _CROWDED * self.max_connections


def error_body(message: str, reason: str | None = None) -> bytes:
    """The protocol's error document; `reason` is added where one exists."""
    return orjson.dumps({"error": message} if reason is None else {"error": message, "reason": reason})


class Connection(asyncio.Protocol):
    """See the module. `on_leave` is set by the app while it works, and called if the client goes away meanwhile."""

    # fmt: off
    __slots__ = (
        "_has_ended", "_held", "_is_advancing", "_is_busy", "_is_lingering", "_is_reading_paused", "_is_write_paused",
        "_keeps_alive", "_loop", "_reader", "_since", "_site", "_transport", "_unread", "_waiting", "on_leave",
    )
    # fmt: on

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._loop = loop
        self._reader = RequestReader(site.wire)
        self._transport = cast(asyncio.Transport, None)  # set before anything else is called
        self._waiting: deque[Event] = deque()
        self._unread = b""
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
        site = self._site
        site.handshaking.discard(self)
        if not site.is_full:
            site.connections.add(self)
        elif len(site.refused) < site.max_connections:
            site.refused.add(self)
            self._refuse(Overloaded(f"{site.max_connections} connections are open already; add replicas"))
        else:
            self._transport.abort()  # so many are still being told that there is no place to tell one more

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.connections.discard(self)
        self._site.refused.discard(self)
        self._hold(0)
        self._drop_waiting()
        leave, self.on_leave = self.on_leave, None
        if leave is not None:
            leave()

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            return
        if not self._reader.is_reading:
            self._since = self._loop.time()
        if self._unread or len(data) > _SLICE_BYTES:
            self._unread += data
            events = () if self._waiting else self._read_on()
        else:
            events = self._reader.feed(data)
        if events:
            self._waiting.extend(events)
        if self._reader.body_bytes or self._unread or self._held:
            self._account()
        if self._waiting:
            self._advance()

    def eof_received(self) -> bool:
        self._has_ended = True
        # A client may close its half and still wait for the answer; not with TLS, where the transport knows no half.
        return self.is_working and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        self._is_write_paused = True
        self._account()

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._account()
        self._advance()

    # The app calls this.

    def answer(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: bytes = b"",
        *,
        is_own: bool = True,
    ) -> None:
        """Send the answer to the request in work and go on with the next. `headers` are whole lines to be added.

        `is_own`: this process gave it, and the site's own lines say so.
        """
        self.on_leave = None
        self._is_busy = False
        is_last = (self._site.is_closing or self._has_ended) and not self._waiting and not self._unread
        closes = not self._keeps_alive or is_last
        self._send(status, body, closes, content_type, headers=headers, lines=self._site.lines if is_own else b"")
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
        elif self.is_working:
            return
        elif self._reader.is_reading:
            self._check_reading(silent, timeouts)
        elif silent > timeouts.idle_s or (silent > _QUIET_S and (self._site.is_closing or self._site.is_crowded)):
            self._transport.close()

    def close_if_idle(self, now: float) -> None:
        """End the connection unless a request is being read or answered, or may be on its way on a new connection."""
        is_idle = not self.is_working and not self._reader.is_reading and not self._is_lingering
        if is_idle and now - self._since > _ARRIVING_S:
            self._transport.close()

    @property
    def is_working(self) -> bool:
        return self._is_busy or bool(self._waiting) or bool(self._unread)

    def _check_reading(self, silent: float, timeouts: Timeouts) -> None:
        limit = timeouts.header_s if self._reader.is_in_headers else timeouts.request_s
        if silent > limit:
            what = "headers" if self._reader.is_in_headers else "body"
            self._refuse(RequestTimeout(f"the request's {what} did not arrive within {limit:g} s"))

    def _advance(self) -> None:
        """Hand out what waits, one request after the other."""
        self._is_advancing = True
        while not self._is_busy and not self._is_write_paused and not self._is_lingering:
            if self._transport.is_closing():
                self._drop_waiting()
            if self._unread and not self._waiting:
                self._waiting.extend(self._read_on())
            if not self._waiting:
                break
            self._take(self._waiting.popleft())
        self._is_advancing = False
        if self._held:
            self._hold(self._size())
        self._throttle()

    def _drop_waiting(self) -> None:
        self._waiting.clear()
        self._unread = b""

    def _read_on(self) -> Sequence[Event]:
        """Parse what is unread, a slice at a time, until something comes of it."""
        events: Sequence[Event] = ()
        while self._unread and not events:
            piece, self._unread = self._unread[:_SLICE_BYTES], self._unread[_SLICE_BYTES:]
            events = self._reader.feed(piece)
        return events

    def _take(self, event: Event) -> None:
        if type(event) is Request:
            self._is_busy = True
            self._keeps_alive = event.keeps_alive
            self._site.app.handle(event, self)
        elif type(event) is Continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif type(event) is Refusal:
            self._refuse(event.error, has_body=event.has_body)

    def _throttle(self) -> None:
        """Stop reading while requests wait, so that the kernel's buffer and then the client have to."""
        is_full = bool(self._waiting) or bool(self._unread)
        if is_full is self._is_reading_paused or self._transport.is_closing():
            return
        self._is_reading_paused = is_full
        if is_full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _account(self) -> None:
        """Count what this connection holds; where all together hold too much, the one that asks for more has to go."""
        self._hold(self._size())
        if not self._held or self._site.buffered_bytes <= self._site.max_buffered_bytes:
            return
        if self._is_write_paused:
            self._transport.abort()  # nothing can be said to who does not read
        else:
            # In its turn: the request in work, if there is one, must get its own answer and not this one.
            self._unread = b""
            self._waiting.append(Refusal(Overloaded("too much is being received at once; try again or add replicas")))

    def _size(self) -> int:
        """Bytes of a body half read, of requests not parsed yet, and of answers that the client does not read."""
        unsent = self._transport.get_write_buffer_size() if self._is_write_paused else 0
        return self._reader.body_bytes + len(self._unread) + unsent

    def _hold(self, size: int) -> None:
        self._site.buffered_bytes += size - self._held
        self._held = size

    def _refuse(self, error: RequestError, *, has_body: bool = True) -> None:
        self._site.app.refused(error.status)
        self._send(
            error.status, error_body(str(error)) if has_body else b"", True, "application/json", lines=self._site.lines
        )
        self._linger()

    def _send(
        self, status: int, body: bytes, closes: bool, content_type: str, *, headers: bytes = b"", lines: bytes
    ) -> None:
        head = response_head(status, closes, content_type, lines) % len(body)
        if headers:
            head = head[:-2] + headers + b"\r\n"
        self._transport.write(head + body)

    def _finish(self) -> None:
        """Close after the last answer; if the client may still be sending, let it read that answer first."""
        if self._has_ended or self._transport.is_closing():
            self._transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Say goodbye and discard what still comes: closing at once would reset the connection under the answer."""
        self._is_lingering = True
        self._drop_waiting()
        self._since = self._loop.time()
        if self._is_reading_paused:
            self._is_reading_paused = False
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()  # TLS: it discards what still comes by itself until the client says goodbye, too
