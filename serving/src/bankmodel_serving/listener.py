"""Accepts connections for one site and sweeps the idle and the slow. Used for the scoring ports and the metrics port."""

import asyncio
from typing import Protocol

from bankmodel_serving.connection import Connection, Site
from bankmodel_serving.errors import SettingsInvalid

__all__ = ["Listener", "cannot_listen"]

_BACKLOG = 2048


class Port(Protocol):
    """Something that listens in its own way, and hands what it accepts to the site."""

    def open(self, host: str, port: int, *, is_shared: bool) -> int: ...

    def close(self) -> None: ...


def cannot_listen(host: str, port: int, error: OSError) -> SettingsInvalid:
    where = f"{host or '*'}:{port}"
    return SettingsInvalid(f"can't listen on {where}: {error.strerror or error}; choose another port")


class Listener:
    """The ports of one site."""

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._loop = loop
        self._servers: list[asyncio.Server | Port] = []
        self._sweep: asyncio.TimerHandle | None = None

    async def open(self, host: str, port: int, *, is_shared: bool = False) -> int:
        """Listen, and return the port (0 picks a free one). `is_shared`: other processes listen on it, too."""
        try:
            server = await self._loop.create_server(
                lambda: Connection(self._site, self._loop), host or None, port, backlog=_BACKLOG, reuse_port=is_shared
            )
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        self._include(server)
        return int(server.sockets[0].getsockname()[1])

    def open_also(self, other: Port, host: str, port: int, *, is_shared: bool = False) -> int:
        """The same for a port that listens in its own way."""
        try:
            found = other.open(host, port, is_shared=is_shared)
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        self._include(other)
        return found

    def stop_accepting(self) -> None:
        """Refuse new connections; those that are open go on."""
        for server in self._servers:
            server.close()

    def close_idle(self) -> None:
        """End the connections on which nothing happens."""
        now = self._loop.time()
        for connection in list(self._site.connections):
            connection.close_if_idle(now)

    def close(self) -> None:
        """Stop accepting and sweeping; connections that are left end with the process."""
        self.stop_accepting()
        if self._sweep is not None:
            self._sweep.cancel()

    def _include(self, server: asyncio.Server | Port) -> None:
        self._servers.append(server)
        if self._sweep is None:
            self._schedule()

    def _schedule(self) -> None:
        timeouts = self._site.timeouts
        shortest = min(timeouts.idle_s, timeouts.header_s, timeouts.request_s)
        self._sweep = self._loop.call_later(min(1.0, max(0.02, shortest / 4)), self._check_all)

    def _check_all(self) -> None:
        now = self._loop.time()
        for connection in [*self._site.connections, *self._site.refused]:
            connection.check(now)
        self._schedule()
