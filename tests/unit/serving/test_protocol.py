"""The HTTP edge: same bytes, same events, however they are cut; and what a proxy could read differently is refused."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.protocol import Continue, Event, Refusal, Request, RequestReader, WireLimits, response_head

LIMITS = WireLimits(max_body_bytes=64, max_header_bytes=400, max_headers=8)
HEAD = b"POST /i?q=1 HTTP/1.1\r\nhost: x\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
GET = b"GET /g HTTP/1.1\r\nhost: x\r\n\r\n"
POSTED = Request(b"POST", b"/i", b"hello", True)
GOT = Request(b"GET", b"/g", b"", True)
UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\n"


def _read(data: bytes, cuts: list[int] | None = None) -> list[Event]:
    reader = RequestReader(LIMITS)
    points = [0, *sorted(cuts or []), len(data)]
    pieces = [data[start:end] for start, end in pairwise(points)]
    return [event for piece in pieces for event in reader.feed(piece)]


def _shown(events: list[Event]) -> list[object]:
    return [event.error.status if isinstance(event, Refusal) else event for event in events]


GOOD = {
    "two in a row": (HEAD + b"content-length: 5\r\n\r\nhello" + GET, [POSTED, GOT]),
    "chunked": (CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" + GET, [POSTED, GOT]),
    "blank lines first": (b"\r\n\r\n" + GET, [GOT]),
    "waits for 100": (HEAD + b"expect: 100-continue\r\ncontent-length: 5\r\n\r\nhello", [Continue(), POSTED]),
    "closing": (b"GET /g HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" + GET, [Request(b"GET", b"/g", b"", False)]),
    "HTTP/1.0": (b"GET /g HTTP/1.0\r\n\r\n", [Request(b"GET", b"/g", b"", False)]),
    "h2c offer": (HEAD + UPGRADE + b"content-length: 5\r\n\r\nhello" + GET, [POSTED, GOT]),
    "gzip body": (
        HEAD + b"Content-Encoding: gzip\r\ncontent-length: 5\r\n\r\nhello" + GET,
        [Request(b"POST", b"/i", b"hello", True, {b"content-encoding": b"gzip"}), GOT],
    ),
    "what the app needs": (
        HEAD + b"X-Request-Id:  a \r\ntraceparent: b\r\ninference-header-content-length: 3\r\nx-request-id: c\r\n\r\n",
        [
            Request(
                *(b"POST", b"/i", b"", True),
                {b"x-request-id": b"a,c", b"traceparent": b"b", b"inference-header-content-length": b"3"},
            )
        ],
    ),
    "h2c offer, binary": (
        HEAD + UPGRADE + b"inference-header-content-length: 3\r\ncontent-length: 5\r\n\r\nhello" + GET,
        [Request(b"POST", b"/i", b"hello", True, {b"inference-header-content-length": b"3"}), GOT],
    ),
    "h2c offer, chunked": (
        HEAD + UPGRADE + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + GET,
        [POSTED, GOT],
    ),
    "h2c offer, no body": (b"GET /g HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"\r\n" + GET, [GOT, GOT]),
}
BAD = {
    "length and chunked": (HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked and length": (HEAD + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", 400),
    "the same length twice": (HEAD + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello", 400),
    "a list of lengths": (HEAD + b"content-length: 5, 5\r\n\r\nhello", 400),
    "a signed length": (HEAD + b"content-length: +5\r\n\r\nhello", 400),
    "an endless length": (HEAD + b"content-length: 99999999999999999999999\r\n\r\n", 400),
    "gzip, chunked": (HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "gzip transfer": (HEAD + b"transfer-encoding: gzip\r\n\r\n", 501),
    "brotli body": (HEAD + b"content-encoding: br\r\ncontent-length: 5\r\n\r\nhello", 415),
    "gzip twice": (HEAD + b"content-encoding: gzip, gzip\r\ncontent-length: 5\r\n\r\nhello", 415),
    "gzip in two headers": (HEAD + b"content-encoding: gzip\r\ncontent-encoding: gzip\r\n\r\n", 415),
    "folded header": (HEAD + b"a: b\r\n c\r\n\r\n", 400),
    "bare line feeds": (b"POST /i HTTP/1.1\nhost: x\ncontent-length: 0\n\n", 400),
    "bare carriage return": (HEAD + b"a: b\rcontent-length: 0\r\n\r\n", 400),
    "space before the colon": (HEAD + b"content-length : 5\r\n\r\nhello", 400),
    "NUL in a header": (HEAD + b"a: b\0c\r\n\r\n", 400),
    "chunk size with 0x": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size overflow": (CHUNKED + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", 400),
    "chunk with bare line feed": (CHUNKED + b"5\nhello\n0\n\n", 400),
    "chunk longer than said": (CHUNKED + b"5\r\nhelloXX0\r\n\r\n", 400),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nx: y\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n", 405),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    "body too large": (HEAD + b"content-length: 65\r\n\r\n", 413),
    "chunks too large": (CHUNKED + b"41\r\n" + b"x" * 65 + b"\r\n0\r\n\r\n", 413),
    "long URL": (b"GET /" + b"a" * 500, 431),
    "long header": (HEAD + b"a: " + b"b" * 500 + b"\r\n\r\n", 431),
    "endless header": (HEAD + b"a: " + b"b" * 1000, 431),
    "many headers": (HEAD + b"a: b\r\n" * 9, 431),
}


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_a_request_is_read(case: str) -> None:
    data, expected = GOOD[case]

    assert expected == _read(data)


@pytest.mark.parametrize("case", BAD, ids=str)
def test_what_could_be_read_differently_is_refused(case: str) -> None:
    data, status = BAD[case]

    assert [status] == _shown(_read(data))


@pytest.mark.parametrize("case", [*GOOD, *BAD], ids=str)
def test_byte_by_byte_gives_the_same_events(case: str) -> None:
    data = (GOOD.get(case) or BAD[case])[0]

    assert _shown(_read(data)) == _shown(_read(data, list(range(1, len(data)))))


@given(st.sampled_from([data for data, _ in (*GOOD.values(), *BAD.values())]), st.data())
def test_events_do_not_depend_on_the_cuts(data: bytes, draw: st.DataObject) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=6))

    assert _shown(_read(data)) == _shown(_read(data, cuts))


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_any_bytes_give_events_and_never_an_exception(pieces: list[bytes]) -> None:
    reader = RequestReader(LIMITS)
    events = [event for piece in pieces for event in reader.feed(piece)]

    assert all(isinstance(event, Request | Continue | Refusal) for event in events)


def test_nothing_is_read_after_a_refusal() -> None:
    reader = RequestReader(LIMITS)
    reader.feed(b"nonsense\r\n\r\n")

    assert () == reader.feed(GET)


def test_a_body_in_bytes_of_one_is_bounded_by_its_framing_too() -> None:
    reader = RequestReader(LIMITS)
    reader.feed(CHUNKED)
    piece = b"1;" + b"e" * 300 + b"\r\nx\r\n"
    events = [event for _ in range(300) for event in reader.feed(piece)]

    assert [413] == _shown(events) or [400] == _shown(events)


def test_a_head_leaves_one_gap_for_the_length() -> None:
    head = response_head(503, closes=True) % 12

    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nconnection: close\r\ncontent-length: 12\r\n\r\n" in head
