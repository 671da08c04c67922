"""No request smuggling: each odd request has one reading, which does not depend on how its bytes arrive."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.protocol import Continue, Event, Refusal, Request, RequestReader
from support.raw_requests import CASES, CONTINUE, GET, LIMITS, Shown
from support.scoring_process import ScoringProcess

OFFER = b"GET /g HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"


def _read(data: bytes, cuts: list[int]) -> list[Shown]:
    reader = RequestReader(LIMITS)
    points = [0, *sorted(cuts), len(data)]
    return [_shown(event) for start, end in pairwise(points) for event in reader.feed(data[start:end])]


def _shown(event: Event) -> Shown:
    match event:
        case Request():
            return (event.path, event.body, event.keeps_alive)
        case Continue():
            return CONTINUE
        case Refusal():
            return event.error.status


@pytest.mark.parametrize("case", CASES)
def test_each_has_one_reading(case: str) -> None:
    data, expected = CASES[case]

    assert expected == _read(data, [])


@pytest.mark.parametrize("case", CASES)
def test_byte_by_byte_it_is_the_same(case: str) -> None:
    data, expected = CASES[case]

    assert expected == _read(data, list(range(1, len(data))))


@given(st.integers(0, 50), st.sampled_from(sorted(CASES)), st.sampled_from(sorted(CASES)), st.data())
def test_wherever_it_is_cut_and_whatever_is_around_it_it_is_the_same(
    before: int, first: str, second: str, draw: st.DataObject
) -> None:
    data = GET * before + CASES[first][0] + CASES[second][0]
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=8))

    assert _read(data, []) == _read(data, cuts)


@pytest.mark.parametrize("case", [name for name, (_, events) in CASES.items() if isinstance(events[-1], int)])
def test_behind_a_refusal_nothing_becomes_a_request(case: str) -> None:
    data, expected = CASES[case]

    assert expected == _read(data + GET, [])


@pytest.mark.parametrize("case", [name for name, (_, events) in CASES.items() if len(events) == 1 and events != [413]])
def test_the_running_server_says_so_and_ends_the_connection_where_it_must(case: str, mixed: ScoringProcess) -> None:
    data, (event,) = CASES[case]
    found = mixed.wire(data, ends=True)
    head, _, body = found.partition(b"\r\n\r\n")

    if isinstance(event, int):
        assert head.startswith(b"HTTP/1.1 %d " % event)
        assert b"connection: close" in head
        assert (b"HEAD" in data) is (body == b"")
    assert 1 == found.count(b"\r\ncontent-length: ")


def test_requests_sent_ahead_are_not_taken_for_the_headers_of_the_one_they_were_cut_in() -> None:
    data = GET * 100

    assert [(b"/g", b"", True)] * 100 == _read(data, [10, len(data) - 10])


def test_thousands_of_offers_in_one_read_are_thousands_of_requests() -> None:
    assert [(b"/g", b"", True)] * 3000 == _read(OFFER * 3000, [])
