"""What a resync queues: every model, and those on their way first."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from bankmodel_operator.cluster.client import Api
from bankmodel_operator.cluster.queue import WorkQueue
from bankmodel_operator.cluster.resync import Resync

pytestmark = pytest.mark.asyncio


class Listed:
    """An API server that lists these models."""

    def __init__(self, *models: dict[str, Any]) -> None:
        self.models = models

    async def list(self, *_: Any) -> tuple[dict[str, Any], ...]:
        return self.models


def model(name: str, state: str) -> dict[str, Any]:
    stable = {"revision": "r1", "version": "1", "sha256": "a" * 64, "since": "2026-11-01T00:00:00Z"}
    status = {"observedGeneration": 1, "stable": stable, "rollout": {"state": state}}
    return {"metadata": {"namespace": "lending", "name": name, "generation": 1}, "status": status}


async def test_a_model_on_trial_is_looked_at_before_all_that_are_at_rest() -> None:
    api = Listed(*(model(f"quiet-{number}", "Serving") for number in range(20)), model("on-trial", "Baking"))
    queue = WorkQueue()
    resync = Resync(
        cast(Api, api), queue, namespaces=(), period=timedelta(minutes=5), known=lambda: [("lending", "gone")]
    )
    tasks = [asyncio.create_task(queue.timers()), asyncio.create_task(resync.run())]
    async with asyncio.timeout(2):
        await resync.listed.wait()
        found = [(await queue.get())[1] for _ in range(22)]
    for task in tasks:
        task.cancel()

    assert found[0] == "on-trial"
    assert set(found[1:]) == {"gone", *(f"quiet-{number}" for number in range(20))}
