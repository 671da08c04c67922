"""One pass over one model: observe, decide, save, converge, report. Runs in the workers; knows no business rule."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bankmodel_operator.api.v1alpha1 import PrometheusQuery
from bankmodel_operator.cluster.apply import converge
from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.discovery import Discovery
from bankmodel_operator.cluster.errors import NotServed, Unreadable
from bankmodel_operator.cluster.events import Note, Recorder
from bankmodel_operator.cluster.observe import Ask, observe
from bankmodel_operator.cluster.queue import Key
from bankmodel_operator.cluster.status import save_status
from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.core.analysis.window import Window
from bankmodel_operator.core.attention import due_queries
from bankmodel_operator.core.conditions import with_spec_invalid
from bankmodel_operator.core.decision import Decision
from bankmodel_operator.core.observation import CoreSettings, Refusal
from bankmodel_operator.core.plan import plan
from bankmodel_operator.core.rollout import decide
from bankmodel_operator.telemetry.metrics import Metrics

__all__ = ["Query", "Reconciler"]

Query = Callable[[Mapping[str, PrometheusQuery], datetime], Awaitable[Mapping[str, Answer]]]
"""Asks what a metrics server says at this time, by the name of the check."""

log = logging.getLogger(__name__)

_REFUSED_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class _Memory:
    """What one pass leaves for the next. Losing it costs one more pass, and a minute of evidence; nothing else."""

    wants_scrape: bool = False
    window: Window | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    state: str = ""


class Reconciler:
    """Called with a key; answers when to come back without an event."""

    def __init__(
        self,
        api: Api,
        *,
        settings: CoreSettings,
        discovery: Discovery,
        ask: Ask,
        query: Query,
        recorder: Recorder,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._settings = settings
        self._discovery = discovery
        self._ask = ask
        self._query = query
        self._recorder = recorder
        self._metrics = metrics
        self._now = now
        self._memories: dict[Key, _Memory] = {}

    async def __call__(self, key: Key) -> timedelta | None:
        """One pass."""
        memory, began = self._memories.get(key, _Memory()), self._now()
        facts = await self._discovery.facts()
        try:
            found = await observe(
                self._api, key, facts=facts, ask=self._ask, ask_all=memory.wants_scrape, refusals=memory.refusals
            )
        except Unreadable as error:
            await self._say_unreadable(error)
            raise
        if found is None:
            self._forget(key)
            return None
        live, seen = found
        due = due_queries(seen, memory.answers, self._settings, began)
        answers = {**memory.answers, **(await self._query(due, began) if due else {})}
        seen = replace(seen, window=memory.window, answers=answers)
        decision = decide(seen, self._settings, self._now())
        await save_status(self._api, live, decision.status)
        self._report(key, live, decision, memory)
        self._memories[key] = replace(memory, state=decision.state_name)  # told once, whatever becomes of the writes
        todo = plan(decision.desired, seen.owned, owner=live, prune=decision.prune)
        try:
            refusals = await converge(self._api, key[0], todo, decision.nudges, owned=seen.owned)
        except NotServed:
            self._discovery.invalidate()  # the API server's own list of kinds is a moment behind a deleted CRD
            raise
        for refusal in set(refusals) - set(memory.refusals):
            about = {**_about(key, live, decision), "object": str(refusal.ref)}
            log.error("the apiserver refuses: %s", refusal.message, extra=about)
        self._memories[key] = _Memory(decision.wants_scrape, decision.window, answers, refusals, decision.state_name)
        return _next_look(decision, refusals, memory.refusals)

    async def _say_unreadable(self, error: Unreadable) -> None:
        live = error.live
        generation = live["metadata"]["generation"]
        status = with_spec_invalid(live.get("status") or {}, error.words, generation=generation, now=self._now())
        await save_status(self._api, live, status)

    def _report(self, key: Key, live: Object, decision: Decision, memory: _Memory) -> None:
        self._metrics.in_state(*key, decision.state_name, decision.status.get("rollout") or {})
        for event in decision.events:
            self._recorder.record(Note(live, event.type, event.reason, event.message))
            log.info(event.message, extra={**_about(key, live, decision), "reason": event.reason})
        if decision.state_name != memory.state:
            log.info("state", extra=_about(key, live, decision))

    def _forget(self, key: Key) -> None:
        if self._memories.pop(key, None) is not None:
            log.info("gone", extra={"namespace": key[0], "model": key[1]})
        self._metrics.forget(*key)


def _about(key: Key, live: Object, decision: Decision) -> dict[str, object]:
    generation = live["metadata"]["generation"]
    return {"namespace": key[0], "model": key[1], "generation": generation, "state": decision.state_name}


def _next_look(decision: Decision, refusals: tuple[Refusal, ...], before: tuple[Refusal, ...]) -> timedelta | None:
    """At once when there is a new refusal to tell the user about; while one lasts, now and then."""
    if refusals != before:
        return timedelta(0)
    if refusals:
        return min(decision.requeue_after or _REFUSED_AGAIN, _REFUSED_AGAIN)
    return decision.requeue_after
