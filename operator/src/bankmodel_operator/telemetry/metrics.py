"""The operator's own metrics, declared in one place; the names are a contract (docs/metrics.md, DESIGN section 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest as generate_openmetrics

from bankmodel_operator.telemetry.trials import Trials

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
PLAIN_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PASS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One set with a registry of its own, so that tests and restarts never meet in a global one."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._passes = Counter(
            "bankmodel_reconcile", "Passes over a BankModel, by how they ended.", ["result"], registry=registry
        )
        self._duration = Histogram(
            "bankmodel_reconcile_duration_seconds", "Time of one pass.", buckets=_PASS_SECONDS, registry=registry
        )
        self.queue_depth = Gauge("bankmodel_queue_depth", "BankModels waiting for a worker.", registry=registry)
        self._state = Gauge(
            "bankmodel_rollout_state",
            "1 for the state a BankModel's rollout is in.",
            ["namespace", "name", "state"],
            registry=registry,
        )
        self._leader = Gauge("bankmodel_leader", "1 where this replica leads.", registry=registry)
        self._requests = Counter(
            "bankmodel_api_requests",
            "Requests to the apiserver; code 0 means no answer.",
            ["verb", "kind", "code"],
            registry=registry,
        )
        self._models = Gauge("bankmodel_models", "BankModels this replica has seen and looks after.", registry=registry)
        self._trials = Trials(registry)
        self._states: dict[tuple[str, str], str] = {}

    def request(self, verb: str, kind: str, code: int) -> None:
        """Count a request to the apiserver."""
        self._requests.labels(verb, kind, str(code)).inc()

    def passed(self, result: str, seconds: float) -> None:
        """Count a pass and its time."""
        self._passes.labels(result).inc()
        self._duration.observe(seconds)

    def leading(self, holds: Callable[[], bool]) -> None:
        """Ask this at each scrape: a leader that froze must not go on saying that it leads."""
        self._leader.set_function(lambda: 1.0 if holds() else 0.0)

    def in_state(
        self, namespace: str, name: str, state: str, rollout: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """The model's rollout is in this state, and in no other. `rollout`: as in its status."""
        self._trials.show((namespace, name), rollout)
        before = self._states.get((namespace, name))
        if before == state:
            return
        if before is not None:
            self._state.remove(namespace, name, before)
        self._state.labels(namespace, name, state).set(1.0)
        self._states[(namespace, name)] = state
        self._models.set(len(self._states))

    def forget(self, namespace: str, name: str) -> None:
        """The model is gone, and its series with it."""
        self._trials.forget((namespace, name))
        state = self._states.pop((namespace, name), None)
        if state is not None:
            self._state.remove(namespace, name, state)
        self._models.set(len(self._states))

    def known(self) -> tuple[tuple[str, str], ...]:
        """(namespace, name) of every model with series here."""
        return tuple(self._states)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as text, with its content type: OpenMetrics for who asks for it, else Prometheus' own."""
        if "application/openmetrics-text" in accept:
            return generate_openmetrics(self.registry), CONTENT_TYPE  # type: ignore[no-untyped-call]  # theirs
        return generate_latest(self.registry), PLAIN_CONTENT_TYPE
