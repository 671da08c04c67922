"""The operator's port: /healthz for the kubelet's liveness probe, /readyz for readiness, /metrics for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from bankmodel_operator.telemetry.metrics import Metrics

__all__ = ["Health", "Workers", "serve"]

_STUCK_AFTER_S = 180.0


class Workers(Protocol):
    """What health asks the workers."""

    def busy_for(self) -> float:
        """Seconds the longest running pass has taken so far; 0 when idle."""


class Health:
    """What the probes answer. Set by `__main__` as the process goes through its life."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._not_ready = "starting: the apiserver has not answered yet"
        self._workers: Workers | None = None

    def ready(self) -> None:
        """Standing by, or leading with everything listed."""
        self._not_ready = ""

    def waiting(self, why: str) -> None:
        """Not ready, for this reason."""
        self._not_ready = why

    def watch(self, workers: Workers) -> None:
        """From now on a stuck worker makes the process unhealthy."""
        self._workers = workers

    def unready(self) -> str:
        """Why the process is not ready; empty when it is."""
        return self._not_ready

    def unhealthy(self) -> str:
        """Why the process should be restarted; empty when it should not."""
        busy_s = self._workers.busy_for() if self._workers else 0.0
        return f"a pass has been running for {busy_s:.0f} s" if busy_s > _STUCK_AFTER_S else ""


async def serve(port: int, health: Health, metrics: Metrics) -> web.AppRunner:
    """Listen on all addresses; `cleanup()` of what is returned ends it."""

    async def healthz(_request: web.Request) -> web.Response:
        return _answer(health.unhealthy())

    async def readyz(_request: web.Request) -> web.Response:
        return _answer(health.unready())

    async def exposition(request: web.Request) -> web.Response:
        body, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposition)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


def _answer(fault: str) -> web.Response:
    return web.Response(status=503 if fault else 200, text=fault or "ok")
