"""The operator's port and metrics as the kubelet and Prometheus meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bankmodel_operator.telemetry import http
from bankmodel_operator.telemetry.metrics import Metrics


class Busy:
    """Workers whose longest pass takes so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def busy_for(self) -> float:
        return self.seconds


@asynccontextmanager
async def served(health: http.Health, metrics: Metrics) -> AsyncIterator[str]:
    runner = await http.serve(0, health, metrics)
    try:
        # asked for port 0, each address family gets one of its own
        yield next(f"http://127.0.0.1:{address[1]}" for address in runner.addresses if "." in address[0])
    finally:
        await runner.cleanup()


async def asked(health: http.Health, path: str, metrics: Metrics | None = None) -> tuple[int, str]:
    async with served(health, metrics or Metrics()) as url, aiohttp.ClientSession() as session:
        async with session.get(url + path) as answer:
            return answer.status, await answer.text()


@pytest.mark.asyncio
async def test_a_process_that_just_started_is_alive_but_not_ready() -> None:
    health = http.Health()

    assert await asked(health, "/healthz") == (200, "ok")
    assert (await asked(health, "/readyz"))[0] == 503


@pytest.mark.asyncio
async def test_unready_says_why() -> None:
    health = http.Health()
    health.waiting("the CRD is not installed; run: kubectl apply …")

    assert await asked(health, "/readyz") == (503, "the CRD is not installed; run: kubectl apply …")


@pytest.mark.asyncio
async def test_ready_is_200() -> None:
    health = http.Health()
    health.ready()

    assert await asked(health, "/readyz") == (200, "ok")


@pytest.mark.asyncio
async def test_a_stuck_worker_makes_the_process_unhealthy() -> None:
    health = http.Health()
    health.watch(Busy(1000.0))

    assert await asked(health, "/healthz") == (503, "a pass has been running for 1000 s")


@pytest.mark.asyncio
async def test_a_long_pass_is_not_yet_a_stuck_one() -> None:
    health = http.Health()
    health.watch(Busy(50.0))

    assert (await asked(health, "/healthz"))[0] == 200


@pytest.mark.asyncio
async def test_metrics_are_served_under_their_contract_names() -> None:
    metrics = Metrics()
    metrics.request("get", "BankModel", 200)
    metrics.passed("ok", 0.01)
    metrics.leading(lambda: True)
    metrics.in_state("lending", "mortgage", "Serving")
    _, text = await asked(http.Health(), "/metrics", metrics)

    for line in (
        'bankmodel_api_requests_total{code="200",kind="BankModel",verb="get"} 1.0',
        'bankmodel_reconcile_total{result="ok"} 1.0',
        "bankmodel_reconcile_duration_seconds_count 1.0",
        "bankmodel_leader 1.0",
        "bankmodel_queue_depth 0.0",
        "bankmodel_models 1.0",
        'bankmodel_rollout_state{name="mortgage",namespace="lending",state="Serving"} 1.0',
    ):
        assert line in text


def exposition(metrics: Metrics) -> str:
    return metrics.exposition("text/plain")[0].decode()


def test_a_model_is_in_one_state_at_a_time() -> None:
    metrics = Metrics()
    metrics.in_state("lending", "mortgage", "Starting")
    metrics.in_state("lending", "mortgage", "Serving")

    assert "Starting" not in exposition(metrics)


def test_a_deleted_model_leaves_no_series() -> None:
    metrics = Metrics()
    metrics.in_state("lending", "mortgage", "Serving")
    metrics.forget("lending", "mortgage")

    assert "mortgage" not in exposition(metrics)
    assert "bankmodel_models 0.0" in exposition(metrics)


def test_forgetting_the_unknown_is_harmless() -> None:
    metrics = Metrics()
    metrics.forget("lending", "never-seen")

    assert metrics.known() == ()


def test_a_trial_has_series_for_as_long_as_it_lasts() -> None:
    metrics = Metrics()
    on_trial = {"state": "Climbing", "weight": 25, "step": 1, "verdicts": [{"name": "errors", "verdict": "UNKNOWN"}]}
    metrics.in_state("lending", "mortgage", "Climbing", on_trial)
    during = metrics.exposition("")[0].decode()
    metrics.in_state("lending", "mortgage", "Serving", {"state": "Serving", "weight": 0})
    after = metrics.exposition("")[0].decode()

    assert 'bankmodel_rollout_weight{name="mortgage",namespace="lending"} 25.0' in during
    assert 'check="errors",name="mortgage",namespace="lending",verdict="UNKNOWN"} 1.0' in during
    assert "mortgage" not in "".join(line for line in after.splitlines() if "rollout_state" not in line)
