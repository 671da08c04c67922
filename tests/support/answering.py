"""An HTTP server on loopback, in the test's own event loop, that leaves nothing behind.

`runner.cleanup()` alone closes a connection whose answer is still being sent without waiting for its end: the caller's last
word may come after the test's last turn of the loop, and the garbage collector then complains in somebody else's test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

__all__ = ["answering"]

_DEADLINE_S = 10.0
_LOOK_EVERY_S = 0.01


@asynccontextmanager
async def answering(*routes: web.RouteDef) -> AsyncIterator[int]:
    """The port of a server with these routes. Callers close their sessions inside; its end waits until their connections are gone.

    A handler that never answers is cancelled when its caller leaves.
    """
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
        await site.stop()
        await _callers_gone(runner)
    finally:
        await runner.cleanup()


async def _callers_gone(runner: web.AppRunner) -> None:
    assert runner.server is not None
    try:
        async with asyncio.timeout(_DEADLINE_S):
            while runner.server.connections:
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"{len(runner.server.connections)} connections were left open by their callers") from None
