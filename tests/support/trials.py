"""Whole rollouts of a model with a ladder on an API server, with pods that answer scrapes. Used by tests and by `make verify-rollout`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.api_only import ApiOnlyCluster
from support.history import History
from support.leaders import PRODUCTION
from support.operator_process import eventually
from support.rollout_rules import broken_rules
from support.scoring_pods import ScoringPods
from support.stage import Stage, a_model, stage

__all__ = ["ABORT", "BAD", "GOOD", "LADDER", "PAUSED", "PROMOTE", "Trials", "trials"]

LADDER: dict[str, Any] = {
    "steps": [{"weight": 10, "hold": "1s"}, {"weight": 50, "hold": "1s"}],
    "bake": "1m",
    "minRequests": 20,
    "rollbackWindow": "0s",
    "checks": [{"name": "errors", "errorRate": {"max": "5%"}}],
}
ABORT, PROMOTE, PAUSED = (f"serving.bankmodel.io/{order}" for order in ("abort", "promote", "paused"))
GOOD, BAD = "2", "3"
"""Versions: one that climbs, one of which every other request fails."""
_DEADLINE_S = 90.0


@dataclass
class Trials:
    """A stage with pods that answer, and an observer who sees every write."""

    it: Stage
    history: History
    pods: ScoringPods
    _told: list[str] = field(default_factory=list)

    def model(self, name: str, version: str, **rollout: Any) -> dict[str, Any]:
        return a_model(name, self.it.namespace, version=version, rollout={**LADDER, **rollout})

    def serves(self, name: str, version: str = "1", **rollout: Any) -> None:
        """Begin with this version as stable."""
        self.it.apply(self.model(name, version, **rollout))
        self.it.reaches(name, version, deadline_s=_DEADLINE_S)

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.it.get("bankmodel", name).get("status", {})
        return status

    def rollout(self, name: str) -> dict[str, Any]:
        rollout: dict[str, Any] = self.status(name).get("rollout", {})
        return rollout

    def canary(self, name: str) -> str:
        return str((self.status(name).get("canary") or {}).get("revision", ""))

    def until(
        self, name: str, what: str, holds: Callable[[dict[str, Any]], Any], *, deadline_s: float = _DEADLINE_S
    ) -> Any:
        """Wait until this is true of the status."""
        return eventually(lambda: holds(self.status(name)), deadline_s=deadline_s, what=f"{name}: {what}")

    def until_state(self, name: str, state: str, *, deadline_s: float = _DEADLINE_S) -> None:
        self.until(name, state, lambda status: status.get("rollout", {}).get("state") == state, deadline_s=deadline_s)

    def until_weight(self, name: str, weight: int, *, deadline_s: float = _DEADLINE_S) -> None:
        """And in force."""

        def holds(status: dict[str, Any]) -> bool:
            rollout = status.get("rollout", {})
            return (rollout.get("state"), rollout.get("weight")) == ("Climbing", weight) and "watched" in rollout

        self.until(name, f"{weight} % in force", holds, deadline_s=deadline_s)

    def order(self, name: str, annotation: str, value: str | None) -> None:
        """Annotate, or take the annotation away."""
        text = f"{annotation}-" if value is None else f"{annotation}={value}"
        self.it.kubectl("annotate", "--overwrite", "bankmodel", name, "-n", self.it.namespace, text)

    def promotes(self, name: str, version: str = GOOD, *, deadline_s: float = _DEADLINE_S, **rollout: Any) -> None:
        """Up the whole ladder; the bake is cut short by order."""
        self.it.apply(self.model(name, version, **rollout))
        self.ends_promoted(name, version, deadline_s=deadline_s)

    def ends_promoted(self, name: str, version: str = GOOD, *, deadline_s: float = _DEADLINE_S) -> None:
        """The same, once it was applied."""

        def is_stable(status: dict[str, Any]) -> bool:
            seen = status.get("stable", {}).get("version"), status.get("rollout", {}).get("state")
            return seen == (version, "Baking")

        self.until(name, f"version {version} bakes", is_stable, deadline_s=deadline_s)
        self.order(name, PROMOTE, self.status(name)["stable"]["revision"])
        self.it.reaches(name, version, deadline_s=deadline_s)
        self.is_alone(name, deadline_s=deadline_s)

    def rolls_back(self, name: str, version: str = BAD, *, deadline_s: float = _DEADLINE_S) -> str:
        """It fails on its way, and the stable goes on; the rejected revision."""
        self.pods.failing[version] = 0.5
        self.it.apply(self.model(name, version))
        return self.ends_rolled_back(name, version, deadline_s=deadline_s)

    def ends_rolled_back(self, name: str, version: str = BAD, *, deadline_s: float = _DEADLINE_S) -> str:
        """The same, once it was applied."""

        def is_back(status: dict[str, Any]) -> str:
            rejected: dict[str, Any] = next(
                (each for each in status.get("rejected", ()) if each["version"] == version), {}
            )
            is_over = status.get("rollout", {}).get("state") == "Serving"
            return str(rejected.get("revision", "")) if is_over else ""

        revision = self.until(name, f"version {version} is taken back", is_back, deadline_s=deadline_s)
        self.is_alone(name, deadline_s=deadline_s)
        return str(revision)

    def is_alone(self, name: str, *, deadline_s: float = _DEADLINE_S) -> None:
        """Wait until nothing but the stable's Deployment is left."""
        alone = [f"{name}-{self.status(name)['stable']['revision']}"]

        def left() -> bool:
            return [child["metadata"]["name"] for child in self.it.children(name, "deployments")] == alone

        eventually(left, deadline_s=deadline_s, what=f"only {alone} is left")

    def broken_rules(self) -> list[str]:
        """What was seen since the last time that must never be."""
        refused = [f"pod {name} was shown lower generations: {found}" for name, found in self.pods.refused.items()]
        found = [*broken_rules(self.history.settled(), self.pods.answers), *refused]
        new, self._told = found[len(self._told) :] if found[: len(self._told)] == self._told else found, found
        return new


@contextmanager
def trials(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, folder: Path, **settings: str
) -> Iterator[Trials]:
    """An operator, pods and an observer. Leases are long unless asked for otherwise: a busy machine is no failed leader."""
    with History(api, namespace) as history, ScoringPods(history) as pods:
        with stage(api, kubectl, namespace, folder, **{**PRODUCTION, **pods.settings, **settings}) as it:
            yield Trials(it, history, pods)
