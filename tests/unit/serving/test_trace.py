"""Trace and id of a caller: read as W3C Trace Context says, ignored where they are none, never a reason to refuse."""

import pytest

from bankmodel_serving.trace import Caller, caller_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (GOOD, GOOD),
        (f"00-{TRACE}-{PARENT}-03", f"00-{TRACE}-{PARENT}-03"),
        (f"cc-{TRACE}-{PARENT}-0b", GOOD),
        (f"cc-{TRACE}-{PARENT}-00-what-comes-one-day", f"00-{TRACE}-{PARENT}-00"),
        (f"cc-{TRACE}-{PARENT}-01.what", ""),
        (f"{GOOD}-more", ""),
        (f"{GOOD}-", ""),
        (f"ff-{TRACE}-{PARENT}-01", ""),
        (f"00-{'0' * 32}-{PARENT}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-{PARENT}-01", ""),
        (f"00-{TRACE[1:]}-{PARENT}-01", ""),
        (f"{GOOD},{GOOD}", ""),
        (f"{GOOD}\n", ""),
        ("", ""),
    ],
)
def test_a_traceparent_is_read_or_ignored(sent: str, expected: str) -> None:
    assert Caller("", expected) == caller_of({b"traceparent": sent.encode()})


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"7f3c-1", "7f3c-1"),
        (b"a b", "a b"),
        (b"a,b", "a,b"),
        (b"i" * 256, "i" * 256),
        (b"i" * 257, ""),
        (b"", ""),
        (b" a", ""),
        (b"a\tb", ""),
        (b"Z\xc3\xbcrich", ""),
        (b"a\r\nx: y", ""),
    ],
)
def test_an_id_is_printable_and_short_or_ignored(sent: bytes, expected: str) -> None:
    assert Caller(expected, "") == caller_of({b"x-request-id": sent})
