"""The kept connections to one revision's peer ports: few, none of them old, and each request within its deadline. I/O.

A Service balances connections, not requests: that none lives for much longer than 30 s is what gives every pod of the other
revision work, and lets one that came up take part.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from enum import StrEnum

from bankmodel_serving.routing import Address
from bankmodel_serving.split.peer_connection import PeerAnswer, PeerConnection, Sent

__all__ = ["Link", "Lost"]

_MOST = 64  # at 1 ms an answer they carry 64,000 requests a second
_AGE_S = 30.0
_JITTER = 0.2
Trust = Callable[[], ssl.SSLContext | None]


class Lost(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


class Link:
    """`tls` gives the context of new connections, or None where there is no usable certificate; without it: plain."""

    def __init__(self, at: Address, *, timeout_s: float, tls: Trust | None = None) -> None:
        self._at = at
        self._timeout_s = timeout_s
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._idle: list[PeerConnection] = []
        self._places = asyncio.Semaphore(_MOST)
        self._is_closed = False

    async def ask(self, head: bytes, body: bytes) -> PeerAnswer | Lost:
        """The peer's answer, whatever it says."""
        found, lost = await self.ask_all([(head, body)])
        return found[0] if lost is None else lost

    async def ask_all(self, requests: Sequence[Sent]) -> tuple[list[PeerAnswer], Lost | None]:
        """The peer's answers in order, over one connection at a time; and why they are fewer than the requests.

        Each has its deadline from the answer before on: the peer takes them one by one.
        """
        found: list[PeerAnswer] = []
        try:
            async with asyncio.timeout(self._timeout_s) as limit, self._places:
                await self._exchange(requests, found, limit)
        except TimeoutError:
            return found, Lost.TIMEOUT
        except OSError:  # ssl.SSLError is one
            return found, Lost.UNREACHABLE
        return found, None if len(found) == len(requests) else Lost.UNREACHABLE

    def sweep(self) -> None:
        """Let idle connections go whose time is over. The ticker calls this."""
        now = self._loop.time()
        for connection in [each for each in self._idle if now > each.retire_at or not each.is_open]:
            self._idle.remove(connection)
            connection.close()

    def close(self) -> None:
        """No more requests; those under way are answered."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    async def _exchange(self, requests: Sequence[Sent], found: list[PeerAnswer], limit: asyncio.Timeout) -> None:
        def take(answer: PeerAnswer) -> None:
            found.append(answer)
            if len(requests) > 1:
                limit.reschedule(self._loop.time() + self._timeout_s)

        kept = self._take_idle()
        while True:
            before = len(found)
            is_whole = await self._over(kept or await self._connect(), requests[before:], take)
            if len(found) == len(requests) or not is_whole or not (kept or len(found) > before):
                return
            # The peer closed it between two answers, as it may, and scoring twice changes nothing.
            kept = None

    def _take_idle(self) -> PeerConnection | None:
        now = self._loop.time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now < connection.retire_at:
                return connection
            connection.close()
        return None

    async def _connect(self) -> PeerConnection:
        retire_at = self._loop.time() + _AGE_S * random.uniform(1 - _JITTER, 1 + _JITTER)
        context = None
        if self._tls is not None:
            context = self._tls()
            if context is None:
                raise ConnectionError("there is no certificate to show")
        _, connection = await self._loop.create_connection(
            lambda: PeerConnection(retire_at, self._loop), self._at.host, self._at.port, ssl=context
        )
        return connection

    async def _over(
        self, connection: PeerConnection, requests: Sequence[Sent], take: Callable[[PeerAnswer], object]
    ) -> bool:
        is_whole = await connection.ask(requests, take)
        if connection.is_open and not self._is_closed and self._loop.time() < connection.retire_at:
            self._idle.append(connection)
        else:
            connection.close()
        return is_whole
