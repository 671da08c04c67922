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
from support.operator_process import eventually, kept
from support.pod_rules import longest_after_rejection, rules_broken_by_pods
from support.rollout_rules import broken_rules
from support.scoring_pods import ScoringPods
from support.stage import Stage, a_model, serves, stage

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
_MODEL = "serving.bankmodel.io/model"
_DEADLINE_S = 90.0


@dataclass
class Trials:
    """A stage with pods that answer, and an observer who sees every write. Whoever waits asks the observer: the API server has enough to do."""

    it: Stage
    history: History
    pods: ScoringPods
    _told: list[str] = field(default_factory=list)

    def model(self, name: str, version: str, **rollout: Any) -> dict[str, Any]:
        return a_model(name, self.it.namespace, version=version, rollout={**LADDER, **rollout})

    def serves(self, name: str, version: str = "1", **rollout: Any) -> None:
        """Begin with this version as stable."""
        self.it.apply(self.model(name, version, **rollout))
        self.reaches(name, version, deadline_s=_DEADLINE_S)

    def reaches(self, name: str, version: str, *, deadline_s: float = _DEADLINE_S) -> None:
        """Wait until it serves this version and nothing is under way."""
        what = f"{name} serves version {version}"
        eventually(lambda: serves(self.history.live("BankModel", name), version), deadline_s=deadline_s, what=what)

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.history.live("BankModel", name).get("status", {})
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
        self.ends_its_bake(name, version, deadline_s=deadline_s)
        self.reaches(name, version, deadline_s=deadline_s)
        self.is_alone(name, deadline_s=deadline_s)

    def ends_its_bake(self, name: str, version: str = GOOD, *, deadline_s: float = _DEADLINE_S) -> None:
        """Wait for the bake, and cut it short by order."""

        def is_stable(status: dict[str, Any]) -> bool:
            state = status.get("rollout", {}).get("state")
            return status.get("stable", {}).get("version") == version and state in ("Baking", "Draining", "Serving")

        self.until(name, f"version {version} bakes", is_stable, deadline_s=deadline_s)
        self.order(name, PROMOTE, self.status(name)["stable"]["revision"])

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
            metadata = [each["metadata"] for each in self.history.of_kind("Deployment")]
            return [each["name"] for each in metadata if each["labels"][_MODEL] == name] == alone

        eventually(left, deadline_s=deadline_s, what=f"only {alone} is left")

    def deletes(self, name: str) -> None:
        """It is not looked at any more; what is left of it goes by itself, in whatever order."""
        self.pods.looks.ended.add(name)
        self.it.kubectl("delete", "bankmodel", name, "-n", self.it.namespace, "--wait=false")

    def broken_rules(self) -> list[str]:
        """What was seen since the last time that must never be."""
        changes, answers, looks = self.history.settled(), list(self.pods.answers), list(self.pods.looks.taken)
        by_pods = rules_broken_by_pods(changes, answers=answers, looks=looks, refused=self.pods.refused)
        found = [*filter(None, [self.pods.broke]), *broken_rules(changes), *by_pods]
        new, self._told = [said for said in found if said not in self._told], found
        return new

    def longest_after_rejection(self) -> float:
        """How many seconds at most callers had answers of a revision that was rejected already."""
        return longest_after_rejection(self.history.settled(), list(self.pods.answers))


@contextmanager
def trials(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, folder: Path, **settings: str
) -> Iterator[Trials]:
    """An operator that is kept running, pods and an observer. Leases are long unless asked for otherwise."""
    with History(api, namespace) as history, ScoringPods(history) as pods:
        with (
            stage(api, kubectl, namespace, folder, **{**PRODUCTION, **pods.settings, **settings}) as it,
            kept(it.operator),
        ):
            yield Trials(it, history, pods)
