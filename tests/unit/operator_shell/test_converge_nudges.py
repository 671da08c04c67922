"""Pods are made to read a new table all at once: what one waits for must not add to what the next one waits for."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from bankmodel_operator.cluster.apply import converge
from bankmodel_operator.cluster.client import Api
from bankmodel_operator.cluster.errors import Conflict
from bankmodel_operator.core.observation import Nudge
from bankmodel_operator.core.plan import Plan
from support.answering import answering

pytestmark = pytest.mark.asyncio

_NUDGES = tuple(Nudge(name, f"uid-of-{name}", "7") for name in ("one", "two", "three"))
_DEADLINE_S = 20.0


class _Server:
    """Answers no request before as many are waiting as there are nudges; the pod `gone` has another uid by then."""

    def __init__(self, gone: str = "") -> None:
        self.gone = gone
        self.answered: list[str] = []
        self._waiting = asyncio.Barrier(len(_NUDGES))

    async def answer(self, request: web.Request) -> web.Response:
        pod, body = request.path.rpartition("/")[2], json.loads(await request.text())
        await self._waiting.wait()
        self.answered.append(pod)
        return web.json_response(body, status=409 if pod == self.gone else 200)


async def _converged(server: _Server) -> None:
    async with answering(web.patch("/{path:.*}", server.answer)) as port:
        async with ApiClient(Configuration(host=f"http://127.0.0.1:{port}")) as client:
            api = Api(client, guard=lambda: None)
            async with asyncio.timeout(_DEADLINE_S):
                await converge(api, "lending", Plan(), _NUDGES, owned=())


async def test_no_pod_waits_for_the_answer_about_another() -> None:
    server = _Server()
    await _converged(server)

    assert {"one", "two", "three"} == set(server.answered)


async def test_a_pod_that_was_replaced_keeps_no_other_from_the_table() -> None:
    server = _Server(gone="one")
    with pytest.raises(Conflict):
        await _converged(server)

    assert {"one", "two", "three"} == set(server.answered)
