"""Scraping: what a pod says is read exactly, and whatever it does not say is unknown, never an error."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bankmodel_operator.core.analysis.samples import Sample
from bankmodel_operator.core.observation import Described, InputDescribed, OutputDescribed, Peers, Report
from bankmodel_operator.telemetry.certificates import parse_certificate, parse_peers
from bankmodel_operator.telemetry.described import parse_described
from bankmodel_operator.telemetry.scrape import Scraper, parse_gauges, parse_unready
from support.answering import answering
from support.pod_counts import START

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


_PEERS = 'bankmodel_tls_peers_usable{model="m",revision="r",certificate="ab12",authorities="cd,ef",problem="'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f'{_PEERS}"}} 1.0\n', Peers("ab12", frozenset(("cd", "ef")), ""), id="usable"),
        pytest.param(
            f'{_PEERS}unsuitable \\"purpose\\""}} 0.0\n',
            Peers("ab12", frozenset(("cd", "ef")), 'unsuitable "purpose"'),
            id="for callers alone",
        ),
        pytest.param(
            'bankmodel_tls_peers_usable{certificate="ab12",authorities="",problem=""} 1.0\n',
            Peers("ab12", frozenset(), ""),
            id="no authority",
        ),
        pytest.param(f"{_LATEST} 1\n", None, id="an older image"),
    ],
)
def test_what_pods_show_each_other_is_read(text: str, expected: Peers | None) -> None:
    assert expected == parse_peers(text)


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

    async def answer(_request: web.Request) -> web.Response:
        if isinstance(metrics, web.Response):
            return metrics
        return await asyncio.Future()

    async def readyz(_request: web.Request) -> web.Response:
        return web.json_response({"ready": False, "reason": "GoldenVectorsFailed", "message": "m"}, status=503)

    async def model(_request: web.Request) -> web.Response:
        return web.json_response(MODEL)

    async with answering(web.get("/metrics", answer), web.get("/readyz", readyz), web.get("/model", model)) as port:
        yield port


async def scraped(port: int, *, describe: bool = False) -> Report:
    scraper = Scraper(port, lambda: START)
    try:
        asked = ("pod-1",) if describe else ()
        return (await scraper.reports({"pod-1": "127.0.0.1"}, describe=asked))["pod-1"]
    finally:
        await scraper.close()


@pytest.mark.asyncio
async def test_a_pod_reports_all_it_knows() -> None:
    async with pod(web.Response(text=EXPOSITION)) as port:
        expected = Report(7, 3, "GoldenVectorsFailed", "m", sample=Sample(START, "0a1b2c3d4e"))

        assert expected == await scraped(port)


@pytest.mark.asyncio
async def test_a_long_report_is_read_to_its_end() -> None:
    lines = "".join(f'bankmodel_requests_total{{code="200",route="r{index}"}} 1.0\n' for index in range(20_000))
    async with pod(web.Response(text=EXPOSITION + lines)) as port:
        report = await scraped(port)

    assert report.sample is not None
    assert 20_000 == len(report.sample.requests)


@pytest.mark.asyncio
async def test_a_report_without_end_is_none() -> None:
    async with pod(web.Response(text=EXPOSITION + "#" * 5_000_000 + "\n")) as port:
        assert (await scraped(port)).generation is None


MODEL = {
    "model": "mortgage",
    "revision": "0a1b2c3d4e",
    "sha256": "9f2c",
    "version": "2026.11",
    "inputs": [{"name": "income", "datatype": "FP32", "shape": [-1], "required": True}],
    "outputs": [{"name": "probability", "datatype": "FP32", "shape": [-1, 2]}],
    "score": {"output": "probability", "cutoff": 0.5},
    "has_card": True,
    "has_baseline": False,
}


@pytest.mark.asyncio
async def test_a_pod_describes_its_file_where_it_is_asked() -> None:
    expected = Described(
        "0a1b2c3d4e",
        "9f2c",
        "2026.11",
        (InputDescribed("income", "FP32", (-1,), True),),
        (OutputDescribed("probability", "FP32", (-1, 2)),),
        score_output="probability",
        cutoff=0.5,
        has_card=True,
        has_baseline=False,
    )

    async with pod(web.Response(text=EXPOSITION)) as port:
        assert expected == (await scraped(port, describe=True)).described
        assert (await scraped(port)).described is None


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": None},
        {"inputs": [{"name": "income"}]},
        {"outputs": [{"name": "p", "datatype": "FP32", "shape": ["n"]}]},
        {"has_card": "yes"},
        {"score": {"output": "p", "cutoff": "half"}},
        {"sha256": 7},
    ],
    ids=repr,
)
def test_a_description_that_is_not_understood_is_none(change: dict[str, object]) -> None:
    assert parse_described(json.dumps({**MODEL, **change})) is None


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "x" * 50], ids=repr)
def test_what_is_no_description_is_none(text: str) -> None:
    assert parse_described(text) is None


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
