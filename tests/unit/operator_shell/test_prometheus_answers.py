"""Outside queries: one number or a reason, over real connections; never an exception."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.telemetry.prometheus import Prometheus, read_answer
from support.answering import answering
from support.pod_counts import START


def said(kind: str, result: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


def vector(*values: str) -> bytes:
    return said(
        "vector", [{"metric": {"pod": str(index)}, "value": [1.0, value]} for index, value in enumerate(values)]
    )


ANSWERS: dict[str, tuple[int, bytes, float | None, str]] = {
    "a vector of one": (200, vector("0.25"), 0.25, ""),
    "a scalar": (200, said("scalar", [1.0, "3"]), 3.0, ""),
    "empty": (200, vector(), None, "empty: no series, or no data at that time"),
    "many": (200, vector("1", "2"), None, "2 series, one is wanted"),
    "NaN": (200, vector("NaN"), None, "nan, which is no number to compare"),
    "infinity": (200, vector("+Inf"), None, "inf, which is no number to compare"),
    "a matrix": (200, said("matrix", []), None, "a matrix, one number is wanted"),
    "an error": (400, b'{"status":"error","error":"parse error at 1"}', None, "HTTP status 400: parse error at 1"),
    "a refusal": (401, b'{"message":"secret"}', None, "HTTP status 401"),
    "an error that says success": (200, b'{"status":"success"}', None, "HTTP status 200 and no answer of a Prometheus"),
    "a page": (502, b"<html>", None, "HTTP status 502 and no answer of a Prometheus"),
    "nothing": (200, b"", None, "HTTP status 200 and no answer of a Prometheus"),
    "no number": (200, vector("x"), None, "HTTP status 200 and no answer of a Prometheus"),
    "not UTF-8": (200, b"\xff\xff", None, "HTTP status 200 and no answer of a Prometheus"),
}


@pytest.mark.parametrize(("status", "body", "value", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_one_number_or_a_reason(status: int, body: bytes, value: float | None, reason: str) -> None:
    assert Answer(START, value, reason) == read_answer(status, body, START)


@asynccontextmanager
async def server(answer: Any) -> AsyncIterator[str]:
    """A server on loopback that answers the query path so; its address."""
    async with answering(web.get("/prefix/api/v1/query", answer)) as port:
        yield f"http://127.0.0.1:{port}/prefix"


async def asked(address: str, query: str = "up", *, deadline_s: float = 5.0) -> Answer:
    prometheus = Prometheus(deadline_s)
    try:
        return await asyncio.wait_for(prometheus.ask(address, query, START), 10)
    finally:
        await prometheus.close()


@pytest.mark.asyncio
async def test_the_query_is_asked_for_a_time() -> None:
    seen: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.query["query"], request.query["time"]))
        return web.Response(body=vector("1"))

    async with server(answer) as address:
        found = await asked(f"{address}/", 'up{a="b+c&d"}')

    assert Answer(START, 1.0) == found
    assert [('up{a="b+c&d"}', f"{START.timestamp():.3f}")] == seen


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})

    async with server(answer) as address:
        assert (await asked(address)).value is None


@pytest.mark.asyncio
async def test_who_hangs_does_not_hang_us() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return await asyncio.Future()

    async with server(answer) as address:
        found = await asked(address, deadline_s=0.2)

    assert Answer(START, None, "no answer within 0.2 s") == found


@pytest.mark.asyncio
async def test_an_endless_answer_is_none() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b" " * 2_000_000 + vector("1"))

    async with server(answer) as address:
        assert (await asked(address)).value is None


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1", "http://no.such.host.invalid", "not an address"],
    ids=["closed", "unknown", "malformed"],
)
@pytest.mark.asyncio
async def test_who_cannot_be_asked_gives_a_reason(address: str) -> None:
    found = await asked(address)

    assert found.value is None
    assert found.reason
