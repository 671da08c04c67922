"""gzip bodies: whole and single ones are read, everything else is refused, and a bomb costs no more than the limit."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.codec import inflate
from bankmodel_serving.errors import BadRequest, BodyTooLarge, RequestError

TEXT = b'{"inputs":[]}' * 100
PACKED = gzip.compress(TEXT)
LIMIT = 1 << 20


@given(st.binary(max_size=300), st.integers(1, 2000))
def test_what_was_packed_comes_out(data: bytes, times: int) -> None:
    whole = data * times

    assert whole == inflate(gzip.compress(whole), len(whole))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "ends too early"),
        (PACKED[:-1], "ends too early"),
        (PACKED[:30], "ends too early"),
        (PACKED[:5], "ends too early"),
        (PACKED + bytes(200_000), "has 200000 bytes behind its end"),
        (PACKED + b"\0", "has 1 bytes behind its end"),
        (PACKED + PACKED, "behind its end; send one gzip member"),
        (PACKED[:-8] + bytes(4) + PACKED[-4:], "incorrect data check"),
        (PACKED[:-4] + bytes(4), "incorrect length check"),
        (TEXT, "not gzip"),
        (zlib.compress(TEXT), "not gzip"),
        (PACKED[:12] + bytes(8) + PACKED[20:], "not gzip"),
    ],
    ids=[
        "empty",
        "cut",
        "half",
        "head",
        "much garbage",
        "garbage",
        "two",
        "checksum",
        "length",
        "plain",
        "zlib",
        "broken",
    ],
)
def test_what_is_not_one_whole_member_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        inflate(body, LIMIT)


def test_the_limit_is_met_exactly() -> None:
    assert len(TEXT) == len(inflate(PACKED, len(TEXT)))
    with pytest.raises(BodyTooLarge, match=f"limited to {len(TEXT) - 1} bytes, inflated too"):
        inflate(PACKED, len(TEXT) - 1)


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            inflate(bomb, LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < LIMIT + (512 << 10)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(data: bytes, at: int) -> None:
    for body in (data, PACKED[:at] + data, PACKED[:at] + data + PACKED[at:]):
        try:
            inflate(body, LIMIT)
        except RequestError as error:
            assert error.status in (400, 413)
