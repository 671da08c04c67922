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

__all__ = ["Continue", "Event", "Refusal", "Request", "RequestReader", "WireLimits", "is_known_status", "response_head"]

_WATCHED = frozenset((b"content-length", b"expect", b"host", b"transfer-encoding"))
_HANDED_ON = frozenset(
    (
        *(b"content-encoding", b"inference-header-content-length", b"traceparent", b"x-request-id"),
        *(b"x-bankmodel-from", b"x-bankmodel-shadow"),  # of pods, on the peer port; nobody else's mean anything
    )
)
_ENCODINGS = frozenset((b"identity", b"gzip", b"x-gzip"))
_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    403: b"Forbidden",
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
    """The bytes can't be understood or are above a limit. Nothing after this is read: the connection ends.

    Who sent HEAD expects no body, and would take one for its next answer.
    """

    error: RequestError
    has_body: bool = True


Event = Request | Continue | Refusal


class RequestReader:
    """Reads the requests of one connection. After a Refusal it reads nothing more."""

    __slots__ = (
        *("_limits", "_parser", "_events", "_url", "_headers", "_header_bytes", "_watched", "_body"),
        *(
            "_handed_on",
            "_has_begun",
            "_keeps_alive",
            "_raw_bytes",
            "_is_reading",
            "_in_headers",
            "_is_over",
            "body_bytes",
        ),
    )

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._events: list[Event] = []
        self._is_over = False
        self._keeps_alive = True
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
        was_in_headers, was_in_body = self.is_in_headers, self._is_reading and not self._in_headers
        self._has_begun = False
        self._parse(data)
        if self.is_in_headers:
            # Lines that are complete were counted; of a request that began in these bytes that leaves the last one.
            is_same = was_in_headers and not self._has_begun
            self._count_unfinished_headers(len(data) if is_same else len(data) - data.rfind(b"\n") - 1)
        elif was_in_body and self._is_reading:
            self._count_raw(len(data))
        return self._events

    def _parse(self, data: bytes) -> None:
        # A loop, for thousands of requests that each offer another protocol fit into one read.
        while data and not self._is_over:
            data = self._parse_to_upgrade(data)

    def _parse_to_upgrade(self, data: bytes) -> bytes:
        """Parse; returns what is to be parsed next, which is empty unless another protocol was offered."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            self._refuse(_cause_of(error))
        except httptools.HttpParserError as error:
            if not self._is_over:
                self._refuse(BadRequest(f"malformed HTTP: {str(error)[:100]}"))
        return b""

    def _refuse(self, error: RequestError) -> None:
        self._is_over = True
        self._is_reading = False
        self._events.append(Refusal(error, self._parser.get_method() != b"HEAD"))

    def _without_upgrade(self, rest: bytes) -> bytes:
        """The same request without the offer, to be answered in HTTP/1.1 (Java's client offers h2c with its first one).

        Its body, if any, is in `rest`, for the parser took it for the new protocol; so a fresh one gets all again.
        """
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        if method == b"CONNECT":
            self._refuse(MethodNotAllowed("CONNECT is not supported; this is no proxy"))
            return b""
        self._watched.pop(b"expect", None)  # answered already
        connection = b"keep-alive" if self._keeps_alive else b"close"
        headers = (*self._watched.items(), *self._handed_on.items(), (b"connection", connection))
        framing = [b"%s: %s\r\n" % pair for pair in headers]
        self._parser = httptools.HttpRequestParser(self)
        return b"%s %s HTTP/%s\r\n%s\r\n%s" % (method, self._url, version, b"".join(framing), rest)

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
        self._has_begun = True

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
        version = self._parser.get_http_version()
        if version != "1.1":
            self._check_version(version)
        elif b"host" not in self._watched:
            raise BadRequest("header host is missing")

    def _check_version(self, version: str) -> None:
        if version != "1.0":
            raise BadRequest(f"HTTP/1.1 and HTTP/1.0 are spoken here, got HTTP/{version}")
        if b"transfer-encoding" in self._watched:
            raise BadRequest("transfer-encoding does not exist in HTTP/1.0; send content-length")

    def _check_headers(self, watched: dict[bytes, bytes]) -> None:
        if watched.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise TransferUnsupported("transfer-encoding must be chunked or absent")
        length = int(watched.get(b"content-length", b"0"))
        if length > self._limits.max_body_bytes:
            raise self._body_too_large()
        has_body = length > 0 or b"transfer-encoding" in watched
        waits = has_body and watched.get(b"expect", b"").lower() == b"100-continue"
        if waits and self._parser.get_http_version() == "1.1":
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
        keeps_alive = self._parser.should_keep_alive()
        if self._parser.should_upgrade():
            self._keeps_alive = keeps_alive
            return  # feed_data raises HttpParserUpgrade next; the request goes on there
        method = self._parser.get_method()
        if method == b"HEAD":
            raise MethodNotAllowed("HEAD is not possible here; use GET")
        self._is_reading = False
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self.body_bytes = 0
        path = self._url.partition(b"?")[0]
        if path[:1] != b"/":
            path = _path_of_absolute(path)
        self._events.append(Request(method, path, body, keeps_alive, self._handed_on))
        if not keeps_alive:
            self._is_over = True  # bytes after a request that closes the connection are nobody's


def _path_of_absolute(target: bytes) -> bytes:
    """Who takes this server for a proxy sends `http://host/path`, which a server must read (RFC 9112, 3.2.2)."""
    scheme, _, rest = target.partition(b"://")
    return b"/" + rest.partition(b"/")[2] if scheme.lower() in (b"http", b"https") else target


def _cause_of(error: BaseException) -> RequestError:
    cause = error.__context__ if error.__cause__ is None else error.__cause__
    return cause if isinstance(cause, RequestError) else BadRequest("malformed HTTP")


def is_known_status(status: int) -> bool:
    """Whether an answer with this status can be written here."""
    return status in _REASONS


@cache
def response_head(status: int, closes: bool, content_type: str = "application/json", lines: bytes = b"") -> bytes:
    """The head of an answer as a format with one gap, the content length. Few differ, so each is made once.

    `lines` are header lines that are the same in all answers of a server.
    """
    close = b"connection: close\r\n" if closes else b""
    retry = b"retry-after: 1\r\n" if status == 503 else b""
    return b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\n%s%s%scontent-length: %%d\r\n\r\n" % (
        status,
        _REASONS[status],
        content_type.encode(),
        retry,
        close,
        lines.replace(b"%", b"%%"),
    )
