"""What the operator's metrics say of trials: weight, step and verdicts, for as long as there is a trial. Part of `metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

__all__ = ["Trials"]

Name = tuple[str, str]


class Trials:
    """Series of models that are on trial or in bake; a model that is not has none."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = ["namespace", "name"]
        self._weight = Gauge(
            "bankmodel_rollout_weight",
            "Percent of the requests that the canary is to answer.",
            about,
            registry=registry,
        )
        self._step = Gauge("bankmodel_rollout_step", "Rung of the ladder, counted from 0.", about, registry=registry)
        self._verdict = Gauge(
            "bankmodel_check_verdict",
            "1 for the verdict of a check of the present rung.",
            [*about, "check", "verdict"],
            registry=registry,
        )
        self._shown: dict[Name, frozenset[tuple[str, str]]] = {}

    def show(self, name: Name, rollout: Mapping[str, Any]) -> None:
        """What `status.rollout` says by now."""
        if rollout.get("state") not in ("Climbing", "Baking"):
            self.forget(name)
            return
        self._weight.labels(*name).set(rollout.get("weight", 0))
        self._step.labels(*name).set(rollout.get("step", 0))
        said = frozenset((each["name"], each["verdict"]) for each in rollout.get("verdicts") or ())
        for verdict in self._shown.get(name, frozenset()) - said:
            self._verdict.remove(*name, *verdict)
        for verdict in said:
            self._verdict.labels(*name, *verdict).set(1)
        self._shown[name] = said

    def forget(self, name: Name) -> None:
        """The trial is over, or the model gone."""
        if name not in self._shown:
            return
        self._weight.remove(*name)
        self._step.remove(*name)
        for verdict in self._shown.pop(name):
            self._verdict.remove(*name, *verdict)
