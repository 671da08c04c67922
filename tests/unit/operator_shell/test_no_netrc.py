"""No request of the operator carries a login from somebody's ~/.netrc, nor looks for one: what it sends is what it was set up with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from bankmodel_operator.cluster.client import Api
from bankmodel_operator.cluster.connect import connect
from bankmodel_operator.telemetry.prometheus import Prometheus
from bankmodel_operator.telemetry.scrape import Scraper
from support.answering import answering

pytestmark = pytest.mark.asyncio


class Server:
    """Anything on loopback; remembers the Authorization of each request."""

    def __init__(self) -> None:
        self.port = 0
        self.logins: list[str | None] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.logins.append(request.headers.get("Authorization"))
        return web.json_response({})


@pytest_asyncio.fixture
async def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Server]:
    """With a .netrc that has a login for every host."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login clerk password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    found = Server()
    async with answering(web.route("*", "/{path:.*}", found.answer)) as found.port:
        yield found


async def test_the_api_server_is_asked_as_the_account_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    parts = {
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
        "users": [{"name": "it", "user": {"token": "ours"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
    kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "it", **parts}))
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    async with await connect() as client:
        await Api(client, guard=lambda: None).read("/version")

    assert server.logins == ["Bearer ours"]


async def test_pods_and_metrics_servers_are_asked_without_a_login(server: Server) -> None:
    scraper, prometheus = Scraper(server.port), Prometheus()
    await scraper.reports({"pod": "127.0.0.1"}, describe=("pod",))
    await prometheus.ask(f"http://127.0.0.1:{server.port}", "up", datetime.now(UTC))
    await scraper.close()
    await prometheus.close()

    assert server.logins == [None] * 4
