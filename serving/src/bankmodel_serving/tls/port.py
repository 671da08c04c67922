"""The TLS port: accepts, shakes hands, and lets the same Connection speak HTTP as on the plain port.

Why not `create_server(ssl=...)`: there a connection is nobody's until its handshake is over, so that a flood of clients
that never finish one is bounded by nothing, and the context is the same for the life of the port.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from bankmodel_serving.connection import Connection, Site

__all__ = ["Keeper", "TlsPort"]

_LOG = logging.getLogger(__name__)
_BACKLOG = 2048
_GOODBYE_S = 2.0  # for the client's own close_notify
_NO_DESCRIPTORS_S = 0.1  # before accepting again where the process has too many open files


@dataclass(frozen=True)
class Keeper:
    """Decides at the door. `context` None: there is no pair yet, and nobody is let in. `told` hears how each
    handshake ended: ok, failed, or refused before it began."""

    context: Callable[[], ssl.SSLContext | None]
    told: Callable[[str], None]
    handshake_s: float = 10.0


class TlsPort:
    """One listening port; `close` stops accepting, and leaves what was accepted alone."""

    def __init__(self, site: Site, keeper: Keeper, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._keeper = keeper
        self._loop = loop
        self._arrivals: set[asyncio.Task[None]] = set()

    def open(self, host: str, port: int, *, is_shared: bool) -> int:
        """Listen, and return the port (0 picks a free one); raises OSError if that is impossible."""
        listening = _listen(host, port, is_shared)
        listening.setblocking(False)
        self._accepting = self._loop.create_task(self._accept(listening))
        return int(listening.getsockname()[1])

    def close(self) -> None:
        self._accepting.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        with listening:
            while True:
                try:
                    client, _ = await self._loop.sock_accept(listening)
                except OSError as error:  # the client has gone already, or there are too many open files
                    _LOG.warning("connection not accepted", extra={"error": str(error)})
                    await asyncio.sleep(_NO_DESCRIPTORS_S)
                    continue
                self._receive(client)

    def _receive(self, client: socket.socket) -> None:
        context = self._keeper.context()
        if context is None or self._site.is_full:
            self._keeper.told("refused")
            client.close()  # before any arithmetic: under a flood, handshakes not made are what keeps the others served
            return
        connection = Connection(self._site, self._loop)
        self._site.handshaking.add(connection)
        task = self._loop.create_task(self._shake_hands(client, connection, context))
        self._arrivals.add(task)
        task.add_done_callback(self._arrivals.discard)

    async def _shake_hands(self, client: socket.socket, connection: Connection, context: ssl.SSLContext) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(
                lambda: connection,
                client,
                ssl=context,
                ssl_handshake_timeout=self._keeper.handshake_s,
                ssl_shutdown_timeout=_GOODBYE_S,
            )
        except OSError as error:  # ssl.SSLError and a time-out are some: the client's doing, so no line by default
            _LOG.debug("handshake failed", extra={"error": str(error)})
            self._keeper.told("failed")
        else:
            # one that left in mid-handshake is no error to asyncio
            self._keeper.told("failed" if connection in self._site.handshaking else "ok")
        finally:
            self._site.handshaking.discard(connection)


def _listen(host: str, port: int, is_shared: bool) -> socket.socket:
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=is_shared)
    try:
        return socket.create_server(
            ("", port), family=socket.AF_INET6, backlog=_BACKLOG, reuse_port=is_shared, dualstack_ipv6=True
        )
    except (OSError, ValueError):  # a host without IPv6
        return socket.create_server(("", port), backlog=_BACKLOG, reuse_port=is_shared)
