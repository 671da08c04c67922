"""Requests as bytes, each odd in one way, and what a reader must make of them. Used on the edge, the server and the fuzzer.

An event is a request (path, body, whether the connection goes on after it), `CONTINUE`, or the status of a refusal. A
refusal ends the connection: whatever is behind it in the bytes is nobody's, and must never become a request.
"""

from bankmodel_serving.protocol import WireLimits

__all__ = ["CASES", "CONTINUE", "GET", "LIMITS", "POST", "Shown"]

LIMITS = WireLimits(max_body_bytes=64, max_header_bytes=400, max_headers=8)
CONTINUE = "100"
Shown = tuple[bytes, bytes, bool] | str | int

POST = b"POST /i?q=1 HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
GET = b"GET /g HTTP/1.1\r\nhost: x\r\n\r\n"
H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\n"
FIVE = b"content-length: 5\r\n\r\nhello"

_READ: Shown = (b"/i", b"hello", True)
_LAST: Shown = (b"/i", b"hello", False)
_EMPTY: Shown = (b"/i", b"", True)
_GOT: Shown = (b"/g", b"", True)


def _post(*headers: bytes, rest: bytes = b"") -> bytes:
    return POST + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + rest


def _get(target: bytes, version: bytes = b"HTTP/1.1", method: bytes = b"GET") -> bytes:
    return b"%s %s %s\r\nhost: x\r\n\r\n" % (method, target, version)


_LENGTHS: dict[str, tuple[bytes, list[Shown]]] = {
    "length with zeros in front": (_post(b"content-length: 005", rest=b"hello" + GET), [_READ, _GOT]),
    "length between tabs": (_post(b"content-length:\t5\t", rest=b"hello"), [_READ]),
    "negative length": (_post(b"content-length: -5", rest=b"hello"), [400]),
    "signed length": (_post(b"content-length: +5", rest=b"hello"), [400]),
    "hex length": (_post(b"content-length: 0x5", rest=b"hello"), [400]),
    "empty length": (_post(b"content-length:"), [400]),
    "length in two words": (_post(b"content-length: 5 5", rest=b"hello"), [400]),
    "list of lengths": (_post(b"content-length: 5,5", rest=b"hello"), [400]),
    "length behind a vertical tab": (_post(b"content-length: \x0b5", rest=b"hello"), [400]),
    "length beyond 64 bits": (_post(b"content-length: 18446744073709551621", rest=b"hello"), [400]),
    "two lengths, other case": (_post(b"Content-Length: 5", b"content-LENGTH: 6", rest=b"hello"), [400]),
    "same length twice, other case": (_post(b"Content-Length: 5", b"content-LENGTH: 5", rest=b"hello"), [400]),
    "no length": (_post(rest=GET), [_EMPTY, _GOT]),
    "length with underscore": (_post(b"content_length: 5", rest=b"hello /"), [_EMPTY, 400]),
    "body of a GET": (b"GET /i HTTP/1.1\r\nhost: x\r\n" + FIVE + GET, [_READ, _GOT]),
    "a request inside a body": (_post(b"content-length: 28", rest=GET), [(b"/i", GET, True)]),
    "garbage behind a body": (POST + FIVE + b"GARBAGE / x\r\n\r\n" + GET, [_READ, 400]),
    "garbage behind a request that closes": (_post(b"connection: close", rest=b"GARB\0\r\n"), [(b"/i", b"", False)]),
}
_TRANSFERS: dict[str, tuple[bytes, list[Shown]]] = {
    "chunked in capitals": (_post(b"Transfer-Encoding: CHUNKED", rest=b"5\r\nhello\r\n0\r\n\r\n"), [_READ]),
    "chunked twice": (_post(b"transfer-encoding: chunked", b"transfer-encoding: chunked", rest=b"0\r\n\r\n"), [400]),
    "chunked, chunked": (_post(b"transfer-encoding: chunked, chunked", rest=b"0\r\n\r\n"), [400]),
    "chunked, gzip": (_post(b"transfer-encoding: chunked, gzip"), [400]),
    "chunked and a comma": (_post(b"transfer-encoding: chunked,", rest=b"0\r\n\r\n"), [400]),
    "identity": (_post(b"transfer-encoding: identity"), [501]),
    "xchunked": (_post(b"transfer-encoding: xchunked"), [501]),
    "chunked in quotes": (_post(b'transfer-encoding: "chunked"', rest=b"0\r\n\r\n"), [501]),
    "chunked behind a vertical tab": (_post(b"transfer-encoding: \x0bchunked", rest=b"0\r\n\r\n"), [400]),
    "chunked and a no-break space": (_post(b"transfer-encoding: chunked\xa0", rest=b"0\r\n\r\n"), [501]),
    "empty transfer": (_post(b"transfer-encoding:"), [400]),
    "length, then chunked": (_post(b"content-length: 5", b"transfer-encoding: chunked", rest=b"0\r\n\r\n"), [400]),
    "chunked, then length": (_post(b"transfer-encoding: chunked", b"content-length: 5", rest=b"0\r\n\r\n"), [400]),
    "chunked and a length, folded": (_post(b"transfer-encoding:", b" chunked", b"content-length: 5"), [400]),
    "chunked in HTTP/1.0": (b"POST /i HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + GET, [400]),
    "chunked in HTTP/1.0, kept alive": (
        b"POST /i HTTP/1.0\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
        [400],
    ),
}
_CHUNKS: dict[str, tuple[bytes, list[Shown]]] = {
    "extension": (CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n" + GET, [_READ, _GOT]),
    "extension in quotes": (CHUNKED + b'5;a="b;c"\r\nhello\r\n0;z\r\n\r\n', [_READ]),
    "zeros in front of the size": (CHUNKED + b"0000000000000000000005\r\nhello\r\n00\r\n\r\n", [_READ]),
    "extension ended by a bare line feed": (CHUNKED + b"5;a\nhello\r\n0\r\n\r\n", [400]),
    "extension with a bare carriage return": (CHUNKED + b"5;a\rb\r\nhello\r\n0\r\n\r\n", [400]),
    "extension with NUL": (CHUNKED + b"5;a\0\r\nhello\r\n0\r\n\r\n", [400]),
    "space behind the size": (CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n", [400]),
    "space before the size": (CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n", [400]),
    "tab behind the size": (CHUNKED + b"5\t\r\nhello\r\n0\r\n\r\n", [400]),
    "negative size": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", [400]),
    "signed size": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", [400]),
    "size with 0x": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", [400]),
    "size with underscore": (CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n", [400]),
    "no size": (CHUNKED + b"\r\nhello\r\n0\r\n\r\n", [400]),
    "size beyond 64 bits": (CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n", [400]),
    "largest size": (CHUNKED + b"ffffffffffffffff\r\n" + b"x" * 80, [413]),
    "size ended by a bare line feed": (CHUNKED + b"5\nhello\r\n0\r\n\r\n", [400]),
    "data ended by a bare line feed": (CHUNKED + b"5\r\nhello\n0\r\n\r\n", [400]),
    "data ended by a bare carriage return": (CHUNKED + b"5\r\nhello\r0\r\n\r\n", [400]),
    "less data than said": (CHUNKED + b"5\r\nhel\r\n0\r\n\r\n", [400]),
    "more data than said": (CHUNKED + b"5\r\nhelloXX\r\n0\r\n\r\n", [400]),
    "last chunk ended by a bare line feed": (CHUNKED + b"5\r\nhello\r\n0\n\r\n" + GET, [400]),
    "end of the body with a bare line feed": (CHUNKED + b"5\r\nhello\r\n0\r\n\n" + GET, [400]),
    "trailer": (CHUNKED + b"0\r\nx: y\r\n\r\n" + GET, [400]),
    "length as trailer": (CHUNKED + b"0\r\ncontent-length: 5\r\n\r\n" + GET, [400]),
}
_LINES: dict[str, tuple[bytes, list[Shown]]] = {
    "bare line feed behind the request line": (b"GET /g HTTP/1.1\nhost: x\r\n\r\n", [400]),
    "bare line feed at the end": (b"GET /g HTTP/1.1\r\nhost: x\r\n\n" + GET, [400]),
    "bare carriage returns at the end": (b"GET /g HTTP/1.1\r\nhost: x\r\r" + GET, [400]),
    "bare line feed in a header": (_post(b"a: b\ncontent-length: 5", rest=b"hello"), [400]),
    "bare carriage return in a header": (_post(b"a: b\rcontent-length: 5", rest=b"hello"), [400]),
    "two carriage returns": (_post(b"a: b\r"), [400]),
    "folded first line": (b"GET /g HTTP/1.1\r\n host: x\r\n\r\n", [400]),
    "folded by a tab": (_post(b"a: b", b"\tc"), [400]),
    "folded length": (_post(b"content-length:", b" 5", rest=b"hello"), [400]),
    "space before the colon": (_post(b"transfer-encoding : chunked", rest=b"0\r\n\r\n"), [400]),
    "tab before the colon": (_post(b"content-length\t: 5", rest=b"hello"), [400]),
    "no colon": (_post(b"abc"), [400]),
    "no name": (_post(b": b"), [400]),
    "NUL in a name": (_post(b"a\0b: c"), [400]),
    "NUL in a value": (_post(b"a: b\0c"), [400]),
    "control character in a value": (_post(b"a: b\x01c"), [400]),
    "DEL in a value": (_post(b"a: b\x7fc"), [400]),
    "bytes above ASCII in a value": (_post(b"a: \xff\xfe"), [_EMPTY]),
    "blank lines in front": (b"\r\n" * 50 + GET, [_GOT]),
    "two hosts": (_post(b"host: y"), [400]),
    "no host": (b"GET /g HTTP/1.1\r\n\r\n", [400]),
}
_TARGETS: dict[str, tuple[bytes, list[Shown]]] = {
    "absolute form": (_get(b"http://y:80/g?q"), [_GOT]),
    "absolute form without a path": (_get(b"HTTPS://y?q"), [(b"/", b"", True)]),
    "absolute form of something else": (_get(b"ftp://y/g"), [(b"ftp://y/g", b"", True)]),
    "asterisk": (_get(b"*", method=b"OPTIONS"), [(b"*", b"", True)]),
    "authority": (_get(b"x:80"), [400]),
    "CONNECT": (_get(b"x:80", method=b"CONNECT") + GET, [405]),
    "no slash": (_get(b"g"), [400]),
    "no target": (b"GET  HTTP/1.1\r\nhost: x\r\n\r\n", [400]),
    "space in the target": (_get(b"/a b"), [400]),
    "NUL in the target": (_get(b"/\0"), [400]),
    "bytes above ASCII in the target": (_get(b"/\xff"), [400]),
    "tabs between the words": (b"GET\t/g\tHTTP/1.1\r\nhost: x\r\n\r\n", [400]),
    "space in front": (b" " + GET, [400]),
    "space behind the version": (_get(b"/g", b"HTTP/1.1 "), [400]),
    "method in small letters": (_get(b"/g", method=b"get"), [400]),
    "method nobody knows": (_get(b"/g", method=b"FOO"), [400]),
    "NUL in the method": (_get(b"/g", method=b"G\0T"), [400]),
    "HEAD, whose answer has no body": (_get(b"/g", method=b"HEAD") + GET, [405]),
}
_VERSIONS: dict[str, tuple[bytes, list[Shown]]] = {
    "HTTP/0.9": (b"GET /g\r\n\r\n", [400]),
    "HTTP/0.9 in words": (_get(b"/g", b"HTTP/0.9"), [400]),
    "HTTP/1.0": (b"POST /i HTTP/1.0\r\n" + FIVE + GET, [_LAST]),
    "HTTP/1.0, kept alive": (b"POST /i HTTP/1.0\r\nconnection: keep-alive\r\n" + FIVE + GET, [_READ, _GOT]),
    "HTTP/1.2": (_get(b"/g", b"HTTP/1.2"), [400]),
    "HTTP/1.10": (_get(b"/g", b"HTTP/1.10"), [400]),
    "HTTP/2.0": (_get(b"/g", b"HTTP/2.0"), [400]),
    "HTTP/3.0": (_get(b"/g", b"HTTP/3.0"), [400]),
    "http in small letters": (_get(b"/g", b"http/1.1"), [400]),
    "preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00", [400]),
    "websocket": (
        b"GET /g HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n" + GET,
        [_GOT, _GOT],
    ),
    "h2c": (POST + H2C + FIVE + GET, [_READ, _GOT]),
    "h2c with a request as its body": (POST + H2C + b"content-length: 28\r\n\r\n" + GET, [(b"/i", GET, True)]),
    "h2c, length and chunked": (POST + H2C + b"transfer-encoding: chunked\r\n" + FIVE, [400]),
    "h2c, gzip, chunked": (POST + H2C + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [501]),
    "h2c that closes": (POST + b"connection: upgrade, close\r\nupgrade: h2c\r\n" + FIVE + GET, [_LAST]),
    "h2c in HTTP/1.0": (b"POST /i HTTP/1.0\r\nconnection: upgrade\r\nupgrade: h2c\r\n" + FIVE + GET, [_LAST]),
    "h2c that waits for 100": (POST + H2C + b"expect: 100-continue\r\n" + FIVE, [CONTINUE, _READ]),
    "waits for 100": (POST + b"expect: 100-continue\r\n" + FIVE, [CONTINUE, _READ]),
    "waits for 100 without a body": (_post(b"expect: 100-continue"), [_EMPTY]),
    "waits for 100 in HTTP/1.0": (b"POST /i HTTP/1.0\r\nexpect: 100-continue\r\n" + FIVE, [_LAST]),
}
CASES = {**_LENGTHS, **_TRANSFERS, **_CHUNKS, **_LINES, **_TARGETS, **_VERSIONS}
