"""A crowd of models under one operator, on an API server with fake nodes: applied, left alone, edited, and some rolling out at once.

The operator speaks to the API server itself, with the settings that everybody has but one, `BANKMODEL_SCRAPE_PORT`: pods of fake
nodes serve nothing, and `ScoringPods` answer in their stead. Used by a short test and by `make verify-rollout`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankmodel_operator.cluster.resources import MODELS, RESOURCES
from cluster.api_only import ApiOnlyCluster
from support.account import cluster_account
from support.audit_tail import AuditTail
from support.history import History
from support.leaders import PRODUCTION
from support.operator_process import OperatorProcess, eventually
from support.pod_rules import rules_broken_by_pods
from support.rollout_rules import broken_rules
from support.scoring_pods import ScoringPods
from support.stage import a_model

__all__ = ["Crowd", "crowd", "seldom"]

LADDER: dict[str, Any] = {
    "steps": [{"weight": 10, "hold": "5s"}, {"weight": 50, "hold": "5s"}],
    "bake": "1m",
    "minRequests": 20,
    "rollbackWindow": "0s",
    "checks": [{"name": "errors", "errorRate": {"max": "5%"}}],
}
_IN_A_NAMESPACE, _AT_ONCE, _USERS = 100, 25, 6
_RATE = 100.0
"""Requests a second for each model that is rolling out."""
_SETTINGS = {"BANKMODEL_WORKERS": "8", "BANKMODEL_DRAIN_DEADLINE": "30s", **PRODUCTION}
"""The defaults of settings.py, where the tests' own are shorter."""
_LABEL = "serving.bankmodel.io/model"
Name = tuple[str, str]


def seldom(seen: Callable[[], Any], *, deadline_s: float, what: str) -> None:
    """Ask once a second until it is true. An operator with a thousand models has long metrics: asked all the time it does little else."""

    def look() -> bool:
        if seen():
            return True
        time.sleep(1.0)
        return False

    eventually(look, deadline_s=deadline_s, what=what)


@dataclass
class Crowd:
    """`quiet` and `moving`: namespace and name of the models without a ladder, and of those with one."""

    api: ApiOnlyCluster
    kubectl: Callable[..., Any]
    operator: OperatorProcess
    audit: AuditTail
    quiet: Sequence[Name]
    moving: Sequence[Name]
    history: History
    pods: ScoringPods

    @property
    def names(self) -> list[Name]:
        return [*self.quiet, *self.moving]

    @property
    def place_of_the_moving(self) -> str:
        return self.moving[0][0]

    def apply(self, names: Sequence[Name], version: str) -> None:
        """A version of these models, as several users would at the same time."""
        models = [self._model(each, version) for each in names]
        parts = [models[begin : begin + _AT_ONCE] for begin in range(0, len(models), _AT_ONCE)]
        with ThreadPoolExecutor(_USERS) as users:
            list(users.map(self._apply, parts))

    def statuses(self) -> dict[Name, Mapping[str, Any]]:
        """Of all models, as they are now."""
        found = self._listed("")
        return {name: found.get(name, {}) for name in self.names}

    def until(
        self, names: Sequence[Name], holds: Callable[[Mapping[str, Any]], bool], *, deadline_s: float, what: str
    ) -> None:
        """Wait until it is true of the status of each of these."""
        places = {place for place, _ in names}
        path = places.pop() if len(places) == 1 else ""

        def all_do() -> bool:
            self.audit.look()
            found = self._listed(path)
            done = sum(holds(found.get(name, {})) for name in names)
            if done < len(names):
                time.sleep(min(10.0, len(found) / 100))  # a look at a thousand models is work for the API server
            return done == len(names)

        eventually(all_do, deadline_s=deadline_s, what=f"{what}: all {len(names)}")

    def until_serving(self, names: Sequence[Name], version: str, *, deadline_s: float) -> None:
        """Wait until each serves this version and nothing is under way."""

        def holds(status: Mapping[str, Any]) -> bool:
            is_at_rest = (status.get("rollout") or {}).get("state") == "Serving" and _is_true(status, "Ready")
            return is_at_rest and (status.get("stable") or {}).get("version") == version

        self.until(names, holds, deadline_s=deadline_s, what=f"serve version {version}")

    def until_promoted(self, names: Sequence[Name], version: str, *, deadline_s: float) -> None:
        """Wait until this version is each one's stable, in bake or after it."""

        def holds(status: Mapping[str, Any]) -> bool:
            return (status.get("stable") or {}).get("version") == version

        self.until(names, holds, deadline_s=deadline_s, what=f"have version {version} as stable")

    def until_idle(self, *, quiet_s: float, deadline_s: float = 120.0) -> None:
        """Wait until the operator has written nothing for a while and no model waits."""
        seen = [sum(self.audit.writes().values()), time.monotonic()]

        def is_idle() -> bool:
            now = sum(self.audit.writes().values())
            if now != seen[0] or self.operator.metric("bankmodel_queue_depth"):
                seen[:] = [now, time.monotonic()]
            return time.monotonic() - seen[1] > quiet_s

        seldom(is_idle, deadline_s=deadline_s, what="the operator is idle")

    def edited(self, name: Name, version: str, *, deadline_s: float = 60.0) -> float:
        """Seconds from an edit of one model until its new revision's Deployment is there."""
        before, began = self._deployments(name), time.monotonic()
        self.apply([name], version)
        eventually(lambda: self._deployments(name) - before, deadline_s=deadline_s, what=f"{name} has a new revision")
        return time.monotonic() - began

    def on_a_rung(self) -> int:
        """How many get requests for their canary just now."""
        found = self._listed(self.place_of_the_moving).values()
        return sum((status.get("rollout") or {}).get("state") == "Climbing" for status in found)

    def failed(self) -> list[Name]:
        """Of all models those that took a revision back, or say that they can't go on."""
        return [
            name for name, status in self.statuses().items() if status.get("rejected") or _is_true(status, "Stalled")
        ]

    def broken_rules(self) -> list[str]:
        """What was seen of the models with a ladder that must never be."""
        changes, answers, looks = self.history.settled(), list(self.pods.answers), list(self.pods.looks.taken)
        by_pods = rules_broken_by_pods(changes, answers=answers, looks=looks, refused=self.pods.refused)
        return [*broken_rules(changes), *by_pods]

    def _apply(self, models: Sequence[dict[str, Any]]) -> None:
        how = ("--server-side", "--force-conflicts", "--field-manager=user")
        self.kubectl("apply", *how, "-f", "-", body={"apiVersion": "v1", "kind": "List", "items": models})

    def _model(self, name: Name, version: str) -> dict[str, Any]:
        rollout = LADDER if name in self.moving else {"steps": []}
        return a_model(name[1], name[0], version=version, rollout=rollout)

    def _deployments(self, name: Name) -> set[str]:
        path = RESOURCES["Deployment"].path(name[0])
        found = self.api.admin.get(f"{path}?labelSelector={_LABEL}%3D{name[1]}")
        return {item["metadata"]["name"] for item in found["items"]}

    def _listed(self, namespace: str) -> dict[Name, Mapping[str, Any]]:
        found = self.api.admin.get(MODELS.path(namespace))["items"]
        return {(each["metadata"]["namespace"], each["metadata"]["name"]): each.get("status") or {} for each in found}


@contextmanager
def crowd(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], folder: Path, *, models: int, moving: int, **settings: str
) -> Iterator[Crowd]:
    """Namespaces for so many models, of which so many have a ladder, and an operator that leads; nothing is applied yet.

    The namespaces are removed in the background at the end. The operator looks after these alone, by RBAC it may all of the cluster.
    """
    quiet, movers = _names(models - moving, "quiet", _IN_A_NAMESPACE), _names(moving, "moving", moving)
    places = list(dict.fromkeys(place for place, _ in (*quiet, *movers)))
    account = cluster_account(api, kubectl)
    kubeconfig = api.service_account_kubeconfig(account.namespace, "bankmodel-operator")
    for place in places:
        kubectl("create", "namespace", place)
    with History(api, movers[0][0]) as history, ScoringPods(history, rate=_RATE) as pods:
        chosen = {**_SETTINGS, "BANKMODEL_SCRAPE_PORT": str(pods.port), "BANKMODEL_NAMESPACES": ",".join(places)}
        with AuditTail(api.audit_log, account.user) as audit:
            with OperatorProcess(kubeconfig, folder, settings={**chosen, **settings}) as operator:
                eventually(lambda: operator.leads, what="the operator leads")
                yield Crowd(api, kubectl, operator, audit, quiet, movers, history, pods)
    for place in places:
        kubectl("delete", "namespace", place, "--wait=false")


def _names(count: int, what: str, size: int) -> list[Name]:
    """In namespaces of this size."""
    begin = f"{what}-{uuid.uuid4().hex[:6]}"
    return [(f"{begin}-{number // size}", f"{what}-{number}") for number in range(count)]


def _is_true(status: Mapping[str, Any], kind: str) -> bool:
    return any(each["type"] == kind and each["status"] == "True" for each in status.get("conditions", ()))
