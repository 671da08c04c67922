"""HTTP/1.1 as bytes in, events out, with limits on every length. Pure: no sockets, no clock.

httptools (llhttp, strict) does the grammar: conflicting or repeated lengths, bare line ends, folded headers and odd
chunk sizes are refused by it. What it lets pass and a proxy might read differently is refused here. The connection
feeds it; the same bytes give the same events however they are cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import httptools

from bankmodel_serving.errors import (
    BadRequest,
    BodyTooLarge,
    HeadersTooLarge,
    MethodNotAllowed,
    RequestError,
    TransferUnsupported,
    UnsupportedEncoding,
)

__all__ = ["Continue", "Event", "Refusal", "Request", "RequestReader", "WireLimits", "response_head"]

_WATCHED = frozenset((b"content-length", b"expect", b"host", b"transfer-encoding"))
_HANDED_ON = frozenset((b"content-encoding", b"inference-header-content-length", b"traceparent", b"x-request-id"))
_ENCODINGS = frozenset((b"identity", b"gzip", b"x-gzip"))
_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}


@dataclass(frozen=True)
class WireLimits:
    """Bounds on one request, in bytes and header lines."""

    max_body_bytes: int = 4 << 20
    max_header_bytes: int = 16 << 10
    max_headers: int = 64


@dataclass(slots=True)
class Request:
    """One whole request. `headers` holds those the app may need, by lower-case name; most requests have none of them.

    A header that came more than once is there with its values joined by commas (RFC 9110, 5.3).
    """

    method: bytes
    path: bytes
    body: bytes
    keeps_alive: bool
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Continue:
    """The client waits for `100 Continue` before it sends the body."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The bytes can't be understood or are above a limit. Nothing after this is read: the connection ends."""

    error: RequestError


Event = Request | Continue | Refusal


class RequestReader:
    """Reads the requests of one connection. After a Refusal it reads nothing more."""

    __slots__ = (
        *("_limits", "_parser", "_events", "_url", "_headers", "_header_bytes", "_watched", "_body"),
        *("_handed_on", "_raw_bytes", "_is_reading", "_in_headers", "_is_over", "body_bytes"),
    )

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._events: list[Event] = []
        self._is_over = False
        self._is_reading = False
        self.on_message_begin()
        self._is_reading = False

    @property
    def is_reading(self) -> bool:
        """In the middle of a request."""
        return self._is_reading

    @property
    def is_in_headers(self) -> bool:
        return self._is_reading and self._in_headers

    def feed(self, data: bytes) -> Sequence[Event]:
        """The events that these bytes complete."""
        if self._is_over:
            return ()
        self._events = []
        began_in_headers = self.is_in_headers
        began_in_body = self._is_reading and not self._in_headers
        self._parse(data)
        if self.is_in_headers and (began_in_headers or not self._events):
            self._count_unfinished_headers(len(data))
        elif began_in_body and self._is_reading:
            self._count_raw(len(data))
        return self._events

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            self._refuse(_cause_of(error))
        except httptools.HttpParserError as error:
            if not self._is_over:
                self._refuse(BadRequest(f"malformed HTTP: {str(error)[:100]}"))

    def _refuse(self, error: RequestError) -> None:
        self._is_over = True
        self._is_reading = False
        self._events.append(Refusal(error))

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Answer in HTTP/1.1 (Java's client offers h2c with every first request). The body, if any, is still to come:

        the parser takes it for the new protocol, so it is given to a fresh one behind the same framing.
        """
        if self._parser.get_method() == b"CONNECT":
            self._refuse(MethodNotAllowed("CONNECT is not supported; this is no proxy"))
            return
        method, url = self._parser.get_method(), self._url
        framing = [b"%s: %s\r\n" % pair for pair in (*self._watched.items(), *self._handed_on.items())]
        self._parser = httptools.HttpRequestParser(self)
        self._parse(b"%s %s HTTP/1.1\r\n%s\r\n" % (method, url, b"".join(framing)))
        if not self._is_over and rest:
            self._parse(rest)

    def _count_unfinished_headers(self, size: int) -> None:
        self._raw_bytes += size
        if self._raw_bytes > self._limits.max_header_bytes + 8 * self._limits.max_headers + 64 and not self._is_over:
            self._refuse(self._headers_too_large())

    def _count_raw(self, size: int) -> None:
        # Chunks of one byte with long extensions: six times the body in framing is nobody's honest request.
        self._raw_bytes += size
        if self._raw_bytes > 8 * self._limits.max_body_bytes + (64 << 10) and not self._is_over:
            self._refuse(BadRequest("the body is cut into too many chunks"))

    def _headers_too_large(self) -> HeadersTooLarge:
        limits = self._limits
        return HeadersTooLarge(f"headers are limited to {limits.max_headers} lines, {limits.max_header_bytes} bytes")

    # What follows is called by the parser. An exception raised here reaches `_parse` as HttpParserCallbackError.

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = 0
        self._header_bytes = 0
        self._raw_bytes = 0
        self._watched: dict[bytes, bytes] = {}
        self._handed_on: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self.body_bytes = 0
        self._is_reading = True
        self._in_headers = True

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._header_bytes += len(url)
        if self._header_bytes > self._limits.max_header_bytes:
            raise self._headers_too_large()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_headers:
            raise BadRequest("trailers behind a chunked body are not supported")
        self._headers += 1
        self._header_bytes += len(name) + len(value)
        if self._headers > self._limits.max_headers or self._header_bytes > self._limits.max_header_bytes:
            raise self._headers_too_large()
        key = name.lower()
        if key in _WATCHED:
            if key in self._watched:
                raise BadRequest(f"header {key.decode()} is there twice")
            self._watched[key] = value
        elif key in _HANDED_ON:
            known = self._handed_on.get(key)
            self._handed_on[key] = value.strip() if known is None else known + b"," + value.strip()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._raw_bytes = 0
        if self._watched:
            self._check_headers(self._watched)
        if self._handed_on:
            self._check_encoding(self._handed_on.get(b"content-encoding", b"identity"))
        if b"host" not in self._watched and self._parser.get_http_version() != "1.0":
            raise BadRequest("header host is missing, or this is not HTTP/1.1")

    def _check_headers(self, watched: dict[bytes, bytes]) -> None:
        if watched.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise TransferUnsupported("transfer-encoding must be chunked or absent")
        if int(watched.get(b"content-length", b"0")) > self._limits.max_body_bytes:
            raise self._body_too_large()
        if watched.get(b"expect", b"").lower() == b"100-continue":
            self._events.append(Continue())

    def _check_encoding(self, encoding: bytes) -> None:
        if encoding.lower() not in _ENCODINGS:
            got = encoding[:40].decode("latin-1")
            raise UnsupportedEncoding(f"content-encoding must be gzip, identity or absent, got {got}")

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        if self.body_bytes > self._limits.max_body_bytes:
            raise self._body_too_large()
        self._body.append(body)

    def _body_too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"a body is limited to {self._limits.max_body_bytes} bytes; send fewer rows")

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return  # feed_data raises HttpParserUpgrade next; the request goes on there
        self._is_reading = False
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self.body_bytes = 0
        path = self._url.partition(b"?")[0]
        keeps_alive = self._parser.should_keep_alive()
        self._events.append(Request(self._parser.get_method(), path, body, keeps_alive, self._handed_on))
        if not keeps_alive:
            self._is_over = True  # bytes after a request that closes the connection are nobody's


def _cause_of(error: BaseException) -> RequestError:
    cause = error.__context__ if error.__cause__ is None else error.__cause__
    return cause if isinstance(cause, RequestError) else BadRequest("malformed HTTP")


@cache
def response_head(status: int, closes: bool, content_type: str = "application/json") -> bytes:
    """The head of an answer as a format with one gap, the content length. Few differ, so each is made once."""
    close = b"connection: close\r\n" if closes else b""
    retry = b"retry-after: 1\r\n" if status == 503 else b""
    return b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\n%s%scontent-length: %%d\r\n\r\n" % (
        status,
        _REASONS[status],
        content_type.encode(),
        retry,
        close,
    )
