"""Looks at every model now and then without any event, because watches lose things; runs as a task while leading."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

from bankmodel_operator.cluster.client import Api
from bankmodel_operator.cluster.errors import ClusterError
from bankmodel_operator.cluster.queue import Key, Lane, WorkQueue
from bankmodel_operator.cluster.resources import MODELS
from bankmodel_operator.core.attention import is_at_rest

__all__ = ["Resync"]

log = logging.getLogger(__name__)

_AFTER_FAILURE_S = 2.0


class Resync:
    """Queues all models at once when leading begins and when asked to, and each of them once a period after that.

    Models that are at rest let all others pass.
    """

    def __init__(
        self,
        api: Api,
        queue: WorkQueue,
        *,
        namespaces: Collection[str],
        period: timedelta,
        known: Callable[[], Iterable[Key]],
    ) -> None:
        self._api = api
        self._queue = queue
        self._namespaces = tuple(namespaces) or ("",)
        self._period = period
        self._known = known
        self._asked = asyncio.Event()
        self.listed = asyncio.Event()
        """Set once all models have been listed: from then on the operator knows what it looks after."""
        self.count = 0
        """How many they were."""

    def ask(self) -> None:
        """Look at all models now: something that concerns every one has changed."""
        self._asked.set()

    async def run(self) -> None:
        """Until cancelled."""
        spread = timedelta(0)
        while True:
            self._asked.clear()
            done = await self._queue_all(spread)
            wait_s = self._period.total_seconds() if done else _AFTER_FAILURE_S
            try:
                await asyncio.wait_for(self._asked.wait(), wait_s)
                spread = timedelta(0)
            except TimeoutError:
                spread = self._period if done else timedelta(0)

    async def _queue_all(self, spread: timedelta) -> bool:
        try:
            lists = [await self._api.list(MODELS, namespace) for namespace in self._namespaces]
        except ClusterError as error:
            log.warning("models not listed, trying again", extra={"error": str(error)})
            return False
        found = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for items in lists for item in items}
        for key in found.keys() | set(self._known()):  # the known ones too: a deletion may have been missed
            lane = Lane.ROUTINE if key not in found or is_at_rest(found[key]) else Lane.MOVING
            self._queue.add_after(key, spread * random.random(), lane)
        self.count = len(found)
        self.listed.set()
        return True
