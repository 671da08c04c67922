"""Connections to a peer: kept, renewed, given up in time; what is not a whole answer of that revision is none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from bankmodel_serving.routing import Address
from bankmodel_serving.split.forwarder import Forwarder, Result, judge
from bankmodel_serving.split.link import Link, Lost
from bankmodel_serving.split.peer_connection import PeerAnswer
from bankmodel_serving.split.tally import SplitTally

_HEAD = b"POST / HTTP/1.1\r\nhost: peer\r\ncontent-length: 2\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nx-bankmodel-revision: b\r\ncontent-length: 2\r\n\r\n{}"
Script = Callable[[int, int], bytes | None]
"""What a peer says to request n of connection m; None: it closes without a word; empty: it says nothing."""


class _Peer:
    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[tuple[int, int]] = []
        self.connections = 0
        self.port = 0
        self.pause_s = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            for request in range(1, 100):
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                self.asked.append((number, request))
                await asyncio.sleep(self.pause_s)
                said = self._script(number, request)
                if said is None:
                    break
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def _peer(script: Script, timeout_s: float = 2.0) -> AsyncIterator[tuple[_Peer, Link]]:
    peer = _Peer(script)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    link = Link(Address("127.0.0.1", peer.port), timeout_s=timeout_s)
    try:
        yield peer, link
    finally:
        link.close()
        server.close()
        await server.wait_closed()
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > 1:  # one that accepts a connection that nobody waits for any more, too
                await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)  # transports end in a later turn of the loop than they are closed


async def _ask(link: Link) -> int | Lost:
    found = await link.ask(_HEAD, b"{}")
    return found.status if isinstance(found, PeerAnswer) else found


async def test_a_connection_is_kept() -> None:
    async with _peer(lambda connection, request: _OK) as (peer, link):
        assert [200] * 5 == [await _ask(link) for _ in range(5)]

        assert 1 == peer.connections


async def test_a_kept_connection_that_was_closed_just_then_is_tried_once_more_on_a_fresh_one() -> None:
    async with _peer(lambda connection, request: _OK if request == 1 else None) as (peer, link):
        assert [200] * 3 == [await _ask(link) for _ in range(3)]

        assert [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)] == peer.asked


async def test_a_fresh_connection_that_is_cut_is_not_tried_again() -> None:
    async with _peer(lambda connection, request: None) as (peer, link):
        assert Lost.UNREACHABLE is await _ask(link)

        assert [(1, 1)] == peer.asked


@pytest.mark.parametrize(
    "said",
    [_OK[:-1], _OK[:30], b"no HTTP at all\r\n\r\n", _OK + _OK, b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000],
    ids=["half a body", "half a head", "no answer", "two answers", "endless head"],
)
async def test_what_is_no_whole_answer_is_none(said: bytes) -> None:
    def script(connection: int, request: int) -> bytes | None:
        return said

    async with _peer(script, timeout_s=0.2) as (_, link):
        found = await _ask(link)
        kept = await _ask(link) if found == 200 else 200

    assert found in (Lost.UNREACHABLE, Lost.TIMEOUT, 200)
    assert (found == 200) == (said == _OK + _OK)
    assert 200 == kept


async def test_an_answer_that_does_not_come_is_not_waited_for_and_its_connection_not_used_again() -> None:
    async with _peer(lambda connection, request: b"" if connection == 1 else _OK, timeout_s=0.1) as (peer, link):
        assert [Lost.TIMEOUT, 200] == [await _ask(link), await _ask(link)]

        assert [(1, 1), (2, 1)] == peer.asked


async def _ask_all(link: Link, count: int) -> tuple[list[int], Lost | None]:
    found, lost = await link.ask_all([(_HEAD, b"{}")] * count)
    return [each.status for each in found], lost


async def test_requests_that_go_together_are_answered_in_order_over_one_connection() -> None:
    statuses = iter([200, 404, 500, 200, 200])

    def script(connection: int, request: int) -> bytes:
        return _OK.replace(b"200", str(next(statuses)).encode())

    async with _peer(script) as (peer, link):
        assert ([200, 404, 500], None) == await _ask_all(link, 3)
        assert ([200, 200], None) == await _ask_all(link, 2)

        assert 1 == peer.connections


@pytest.mark.parametrize(
    "said", [_OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), None], ids=["told", "closed"]
)
async def test_what_was_not_answered_when_the_peer_left_is_asked_again(said: bytes | None) -> None:
    async with _peer(lambda connection, request: said if request == 2 else _OK) as (peer, link):
        assert ([200] * 5, None) == await _ask_all(link, 5)

        assert peer.connections > 2


async def test_a_peer_that_stops_in_the_middle_of_an_answer_leaves_those_before() -> None:
    said = {1: _OK, 2: _OK, 3: _OK[:30]}
    async with _peer(lambda connection, request: said.get(request, b""), timeout_s=0.2) as (_, link):
        assert ([200, 200], Lost.TIMEOUT) == await _ask_all(link, 5)


async def test_each_answer_has_a_deadline_of_its_own() -> None:
    answers = 4
    async with _peer(lambda connection, request: _OK, timeout_s=0.5) as (peer, link):
        peer.pause_s = 0.3  # together more than the deadline
        assert ([200] * answers, None) == await _ask_all(link, answers)


async def test_nobody_at_the_address_is_unreachable() -> None:
    async with _peer(lambda connection, request: _OK) as (peer, _):
        port = peer.port

    assert Lost.UNREACHABLE is await _ask(Link(Address("127.0.0.1", port), timeout_s=2.0))


async def test_a_peer_that_asks_to_leave_is_left() -> None:
    leaving = _OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with _peer(lambda connection, request: leaving) as (peer, link):
        assert [200] * 2 == [await _ask(link) for _ in range(2)]

        assert [(1, 1), (2, 1)] == peer.asked


async def test_a_connection_does_not_live_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankmodel_serving.split.link._AGE_S", 0.0)
    async with _peer(lambda connection, request: _OK) as (peer, link):
        assert [200] * 3 == [await _ask(link) for _ in range(3)]

        assert 3 == peer.connections


async def test_more_requests_than_places_wait_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankmodel_serving.split.link._MOST", 2)
    async with _peer(lambda connection, request: _OK) as (peer, link):
        assert [200] * 20 == await asyncio.gather(*(_ask(link) for _ in range(20)))

        assert peer.connections <= 2


async def test_who_gives_up_waiting_leaves_no_task_and_says_nothing_about_the_peer() -> None:
    async with _peer(lambda connection, request: b"") as (peer, link), asyncio.timeout(10):
        tally = SplitTally()
        forwarder = Forwarder(link, own="a", to="b", tally=tally)
        for number in range(1, 11):
            asking = asyncio.create_task(forwarder.forward(b"/", b"{}", {}))
            while len(peer.asked) < number:
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    assert not tally.attempts


def _answer(status: int, revision: str = "b") -> PeerAnswer:
    return PeerAnswer(status, b"{}", "application/json", b"", revision)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (_answer(200), Result.OK),
        (_answer(400), Result.OK),
        (_answer(413), Result.OK),
        (_answer(403), Result.REFUSED),
        (_answer(500), Result.ERROR),
        (_answer(503), Result.ERROR),
        (_answer(302), Result.ERROR),
        (_answer(200, "c"), Result.UNREACHABLE),
        (_answer(200, ""), Result.UNREACHABLE),
        (Lost.TIMEOUT, Result.TIMEOUT),
        (Lost.UNREACHABLE, Result.UNREACHABLE),
    ],
    ids=repr,
)
def test_an_answer_is_judged(found: PeerAnswer | Lost, expected: Result) -> None:
    assert expected is judge(found, "b")
