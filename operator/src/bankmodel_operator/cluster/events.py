"""Kubernetes Events for turning points, posted beside the work and never in its way.

`record` returns at once; one task posts. The same event again within ten minutes becomes a series on the first one.
An object that produces more than the allowance loses the rest: events are for people, the log has everything.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.errors import ClusterError
from bankmodel_operator.cluster.resources import EVENTS, Ref

__all__ = ["Note", "Recorder"]

log = logging.getLogger(__name__)

_SERIES_S = 600.0
_BURST = 25
_REFILL_S = 60.0
_BACKLOG = 1000
_LONGEST_NOTE = 1024  # bytes the API takes


@dataclass(frozen=True)
class Note:
    """What to tell about an object; `kind` is Normal or Warning, `reason` CamelCase."""

    regarding: Object
    kind: str
    reason: str
    text: str
    action: str = "Reconcile"


@dataclass
class _Posted:
    ref: Ref
    at: float
    count: int = 1


@dataclass
class _Allowance:
    left: float = _BURST
    at: float = field(default_factory=time.monotonic)

    def take(self, now: float) -> bool:
        self.left = min(float(_BURST), self.left + (now - self.at) / _REFILL_S)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Recorder:
    """Posts as `controller`, from `instance` (the pod's name). `run` must run as a task."""

    def __init__(
        self, api: Api, *, controller: str, instance: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._controller = controller
        self._instance = instance
        self._clock = clock
        self._notes: asyncio.Queue[Note] = asyncio.Queue(_BACKLOG)
        self._posted: dict[tuple[str, str, str, str], _Posted] = {}
        self._allowances: dict[str, _Allowance] = {}

    def record(self, note: Note) -> None:
        """Post it soon; dropped when a thousand wait already."""
        try:
            self._notes.put_nowait(note)
        except asyncio.QueueFull:
            log.warning("event dropped: too many wait", extra={"reason": note.reason})

    async def run(self) -> None:
        """Posts one after the other, until cancelled. What cannot be posted is logged and lost."""
        while True:
            note = await self._notes.get()
            try:
                await self.post(note)
            except ClusterError as error:
                log.warning("event not posted", extra={"reason": note.reason, "error": str(error)})

    async def post(self, note: Note) -> None:
        """Post the note, or count it in the series of its like."""
        now = self._clock()
        self._expire(now)
        uid = note.regarding["metadata"]["uid"]
        if not self._allowances.setdefault(uid, _Allowance(at=now)).take(now):
            return
        key = (uid, note.kind, note.reason, note.text)
        posted = self._posted.get(key)
        if posted is None or not await self._count_up(posted):
            created = await self._api.create(_event(note, self._controller, self._instance))
            ref = Ref(EVENTS, created["metadata"]["namespace"], created["metadata"]["name"])
            self._posted[key] = _Posted(ref, now)

    async def _count_up(self, posted: _Posted) -> bool:
        posted.count += 1
        series = {"series": {"count": posted.count, "lastObservedTime": _now()}}
        return await self._api.merge(posted.ref, series) is not None

    def _expire(self, now: float) -> None:
        self._posted = {key: posted for key, posted in self._posted.items() if now < posted.at + _SERIES_S}
        full = _BURST * _REFILL_S
        self._allowances = {uid: seen for uid, seen in self._allowances.items() if now < seen.at + full}


def _event(note: Note, controller: str, instance: str) -> Object:
    metadata = note.regarding["metadata"]
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        # A name of our own, not generateName: a repeated POST after a lost answer then conflicts instead of doubling.
        "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "namespace": metadata["namespace"]},
        "eventTime": _now(),
        "reportingController": controller,
        "reportingInstance": instance,
        "action": note.action,
        "reason": note.reason,
        "type": note.kind,
        "note": note.text.encode()[: _LONGEST_NOTE - 1].decode(errors="ignore"),
        "regarding": {
            "apiVersion": note.regarding["apiVersion"],
            "kind": note.regarding["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
