"""Outside queries: one number or a reason, over real connections; never an exception."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.telemetry.prometheus import Prometheus, Question, read_answer
from support.certificates import Authority
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
async def server(answer: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on loopback that answers the query path so; its address."""
    app = web.Application()
    app.add_routes([web.get("/prefix/api/v1/query", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}/prefix"
    finally:
        await runner.cleanup()


async def asked(question: Question, deadline_s: float = 5.0) -> Answer:
    prometheus = Prometheus(deadline_s)
    try:
        return await asyncio.wait_for(prometheus.ask(question, START), 10)
    finally:
        await prometheus.close()


@pytest.mark.asyncio
async def test_the_query_is_asked_for_a_time_and_with_the_token() -> None:
    seen: list[tuple[str, str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.query["query"], request.query["time"], request.headers.get("Authorization")))
        return web.Response(body=vector("1"))

    async with server(answer) as address:
        found = await asked(Question(f"{address}/", 'up{a="b+c&d"}', token="t0ken"))

    assert Answer(START, 1.0) == found
    assert [('up{a="b+c&d"}', f"{START.timestamp():.3f}", "Bearer t0ken")] == seen


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})

    async with server(answer) as address:
        assert (await asked(Question(address, "up", token="t0ken"))).value is None


@pytest.mark.asyncio
async def test_who_hangs_does_not_hang_us() -> None:
    over = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with server(answer) as address:
        found = await asked(Question(address, "up"), deadline_s=0.2)
        over.set()

    assert Answer(START, None, "no answer within 0.2 s") == found


@pytest.mark.asyncio
async def test_an_endless_answer_is_none() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b" " * 2_000_000 + vector("1"))

    async with server(answer) as address:
        assert (await asked(Question(address, "up"))).value is None


@pytest.mark.parametrize(
    "question",
    [
        Question("http://127.0.0.1:1", "up"),
        Question("http://no.such.host.invalid", "up"),
        Question("not an address", "up"),
        Question("http://127.0.0.1:1", "up", token="two\r\nlines"),
        Question("https://127.0.0.1:1", "up", ca="no certificate"),
        Question("https://127.0.0.1:1", "up", ca=""),
    ],
    ids=["closed", "unknown", "malformed", "token", "ca", "empty-ca"],
)
@pytest.mark.asyncio
async def test_who_cannot_be_asked_gives_a_reason(question: Question) -> None:
    found = await asked(question)

    assert found.value is None
    assert found.reason
    assert "lines" not in found.reason


@pytest.mark.asyncio
async def test_only_the_named_authority_is_trusted(tmp_path: Path) -> None:
    authority, other = Authority(), Authority("another CA")
    issued = authority.issue("127.0.0.1")
    (tmp_path / "tls.crt").write_bytes(issued.certificate)
    (tmp_path / "tls.key").write_bytes(issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=vector("1"))

    async with server(answer, context) as address:
        trusted, foreign, usual = [
            await asked(Question(address, "up", ca=ca))
            for ca in (authority.certificate.decode(), other.certificate.decode(), None)
        ]

    assert (1.0, None, None) == (trusted.value, foreign.value, usual.value)


def test_a_question_does_not_show_its_token() -> None:
    assert "t0ken" not in repr(Question("http://p", "up", token="t0ken"))
