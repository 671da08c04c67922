"""Scraping: what a pod says is read exactly, and whatever it does not say is unknown, never an error."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bankmodel_operator.core.observation import Report
from bankmodel_operator.telemetry.scrape import Scraper, parse_certificate, parse_gauges, parse_unready

EXPOSITION = """\
# HELP bankmodel_routing_generation Generation of the routing table in force.
# TYPE bankmodel_routing_generation gauge
bankmodel_routing_generation{model="mortgage",revision="0a1b2c3d4e"} 7.0
# TYPE bankmodel_connections gauge
bankmodel_connections{model="mortgage",revision="0a1b2c3d4e"} 3.0
bankmodel_connections_other_total 99
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(EXPOSITION, (7, 3), id="as a pod writes it"),
        pytest.param("bankmodel_routing_generation 2\nbankmodel_connections 0\n", (2, 0), id="without labels"),
        pytest.param("bankmodel_routing_generation 2\n", (2, None), id="half of it"),
        pytest.param(
            "bankmodel_routing_generation NaN\nbankmodel_connections 0\n", (None, None), id="NaN is no number"
        ),
        pytest.param("bankmodel_connections +Inf\n", (None, None), id="nor is infinity"),
        pytest.param("bankmodel_connections x\n", (None, None), id="nor a word"),
        pytest.param(
            'bankmodel_routing_generation{pid="1"} 5\nbankmodel_routing_generation{pid="2"} 4\n'
            'bankmodel_connections{pid="1"} 1\nbankmodel_connections{pid="2"} 2\n',
            (4, 3),
            id="several processes: the least generation, all connections",
        ),
        pytest.param("", (None, None), id="nothing"),
        pytest.param("<html>not found</html>", (None, None), id="something else"),
    ],
)
def test_gauges_are_read(text: str, expected: tuple[int | None, int | None]) -> None:
    assert parse_gauges(text) == expected


_BEFORE = "bankmodel_tls_certificate_not_before_timestamp_seconds"
_AFTER = "bankmodel_tls_certificate_not_after_timestamp_seconds"
_LATEST = "bankmodel_tls_last_reload_successful"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f'{_BEFORE}{{model="m"}} 1.7e+09\n{_AFTER}{{model="m"}} 1.8e+09\n{_LATEST}{{model="m"}} 1.0\n',
            (1_700_000_000, 1_800_000_000, True),
            id="as a pod writes it",
        ),
        pytest.param(
            f"{_BEFORE} 1\n{_BEFORE} 2\n{_AFTER} 5\n{_AFTER} 4\n{_LATEST} 1\n{_LATEST} 0\n",
            (2, 4, False),
            id="several processes: the narrowest",
        ),
        pytest.param(f"{_LATEST} 0\n", None, id="none in use"),
        pytest.param(f"{_BEFORE} 1\n{_AFTER} NaN\n{_LATEST} 1\n", None, id="NaN is no time"),
        pytest.param(f"{_BEFORE} 1\n{_AFTER} 1e300\n{_LATEST} 1\n", None, id="beyond all calendars"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_certificate_is_read(text: str, expected: tuple[int, int, bool] | None) -> None:
    found = parse_certificate(text)
    read = found and (found.not_before.timestamp(), found.not_after.timestamp(), found.is_latest)

    assert expected == read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"ready":false,"reason":"GoldenVectorsFailed","message":"3 of 10 differ"}', ("GoldenVectorsFailed", "3 of 10 differ"), id="unready"),
        pytest.param('{"ready":false}', ("Unready", ""), id="unready without words"),
        pytest.param('{"ready":true}', (None, None), id="ready"),
        pytest.param("[]", (None, None), id="another shape"),
        pytest.param("oops", (None, None), id="no JSON"),
    ],
)  # fmt: skip
def test_the_reason_of_an_unready_pod_is_read(text: str, expected: tuple[str | None, str | None]) -> None:
    assert parse_unready(text) == expected


@asynccontextmanager
async def pod(metrics: web.Response | None) -> AsyncIterator[int]:
    """A pod's metrics port on loopback: answers so, or never."""
    over = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        if isinstance(metrics, web.Response):
            return metrics
        await over.wait()
        return web.Response()

    async def readyz(_request: web.Request) -> web.Response:
        return web.json_response({"ready": False, "reason": "GoldenVectorsFailed", "message": "m"}, status=503)

    app = web.Application()
    app.add_routes([web.get("/metrics", answer), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        over.set()
        await runner.cleanup()


async def scraped(port: int) -> Report:
    scraper = Scraper(port)
    try:
        return (await scraper.reports({"pod-1": "127.0.0.1"}))["pod-1"]
    finally:
        await scraper.close()


@pytest.mark.asyncio
async def test_a_pod_reports_all_it_knows() -> None:
    async with pod(web.Response(text=EXPOSITION)) as port:
        assert await scraped(port) == Report(7, 3, "GoldenVectorsFailed", "m")


@pytest.mark.asyncio
async def test_a_pod_that_hangs_is_unknown_and_does_not_hang_us() -> None:
    async with pod(None) as port:
        report = await asyncio.wait_for(scraped(port), 5)

    assert (report.generation, report.connections) == (None, None)


@pytest.mark.asyncio
async def test_a_pod_that_is_gone_is_unknown() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert await scraped(port) == Report()


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed() -> None:
    async with pod(web.Response(status=302, headers={"Location": "http://127.0.0.1:1/metrics"})) as port:
        report = await scraped(port)

    assert report.generation is None
