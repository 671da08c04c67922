"""Made-up histories of a trial, good as they are: tests add what must never be, and ask whether the rules see it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from support.history import Change
from support.pod_looks import Answer, Look

__all__ = ["CANARY", "MODEL", "STABLE", "Story", "climbing", "promotion", "rollback"]

MODEL, STABLE, CANARY = "mortgage", "aaaaaaaaaa", "cccccccccc"
_ASKED = {"rollout": {"minRequests": 20, "checks": [{"name": "errors", "errorRate": {"max": "5%"}}]}}
_LADDER = (10, 50, 100)


class Story:
    """Written line by line; a second passes with each. Status and table are said whole each time, as they are written."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.answers: list[Answer] = []
        self.looks: list[Look] = []
        self.now = 0.0

    def status(self, state: str, *, generation: int, step: int = 0, canary: str = CANARY, **told: Any) -> Story:
        """`verdicts`, `rejected`, `stable`, and whatever else of rollout."""
        rejected = [{"revision": each, "version": "2"} for each in told.pop("rejected", ())]
        verdicts = [{"name": "errors", "verdict": each} for each in told.pop("verdicts", ())]
        stable = {"revision": told.pop("stable", STABLE)}
        rollout: dict[str, Any] = {"state": state, "generation": generation, "verdicts": verdicts, **told}
        if state == "Climbing":
            rollout |= {"step": step, "weight": told.get("weight", _LADDER[step])}
        status = {"rollout": rollout, "stable": stable, "canary": {"revision": canary}, "rejected": rejected}
        return self._wrote("BankModel", MODEL, {"spec": _ASKED, "status": status}, "")

    def table(
        self, generation: int, *, stable: str = STABLE, weight: int = 0, canary: str = CANARY, **more: Any
    ) -> Story:
        table = {"generation": generation, "stable": stable, **more}
        if weight:
            table["canary"] = {"revision": canary, "weight": weight, "notAfter": f"later than {self.now}"}
        return self._wrote("ConfigMap", f"{MODEL}-routing", {"data": {"table.json": json.dumps(table)}}, "")

    def deployment(self, revision: str, replicas: int) -> Story:
        return self._wrote("Deployment", f"{MODEL}-{revision}", {"spec": {"replicas": replicas}}, revision)

    def pod(self, revision: str, number: int, *, is_ready: bool = True) -> Story:
        conditions = [{"type": "Ready", "status": str(is_ready)}]
        return self._wrote("Pod", f"{MODEL}-{revision}-{number}", {"status": {"conditions": conditions}}, revision)

    def service(self, revision: str) -> Story:
        return self._wrote("Service", MODEL, {"spec": {"selector": {"serving.bankmodel.io/revision": revision}}}, "")

    def gone(self, kind: str, name: str) -> Story:
        return self._change(kind, name, None)

    def answered(self, revision: str, count: int, *, weight: int = 0, failed: int = 0) -> Story:
        self.now += 0.1
        self.answers.append(Answer(self.now, MODEL, revision, count, weight, failed))
        return self

    def look(
        self, selected: str, ready: Mapping[str, int], sends: Mapping[tuple[str, str], int] | None = None
    ) -> Story:
        self.looks.append(Look(self.now, MODEL, selected, ready, sends or {}))
        return self

    def passes(self, seconds: float) -> Story:
        self.now += seconds
        return self

    def _wrote(self, kind: str, name: str, body: dict[str, Any], revision: str) -> Story:
        labels = {
            "serving.bankmodel.io/model": MODEL,
            **({"serving.bankmodel.io/revision": revision} if revision else {}),
        }
        return self._change(kind, name, {"metadata": {"name": name, "labels": labels}, **body})

    def _change(self, kind: str, name: str, after: dict[str, Any] | None) -> Story:
        self.now += 1
        self.changes.append(Change(len(self.changes) + 1, kind, name, after, self.now))
        return self


def climbing(*, verdicts: Sequence[str] = ("PASS",)) -> Story:
    """Up to a canary on its first step, whose verdicts were told; 10 % are in force since 30 requests."""
    story = Story().status("Serving", generation=1, canary="")
    story.deployment(STABLE, 2).pod(STABLE, 0).pod(STABLE, 1).table(1).service(STABLE).look(STABLE, {STABLE: 2})
    story.status("Preparing", generation=1).deployment(CANARY, 1).pod(CANARY, 0)
    story.status("Climbing", generation=2, verdicts=("UNKNOWN",)).table(2, weight=10)
    story.look(STABLE, {STABLE: 2, CANARY: 1}, {(STABLE, CANARY): 10}).answered(CANARY, 30, weight=10)
    return story.status("Climbing", generation=2, verdicts=verdicts)


def promotion() -> Story:
    """To its end: the grant is renewed, two more steps, another stable, and the old one goes."""
    story = climbing().table(2, weight=10)
    story.status("Climbing", generation=3, step=1).table(3, weight=50).answered(CANARY, 60, weight=50, failed=1)
    story.look(STABLE, {STABLE: 2, CANARY: 1}, {(STABLE, CANARY): 50})
    story.deployment(CANARY, 2).pod(CANARY, 1).status("Climbing", generation=3, step=1, verdicts=("PASS",))
    story.status("Climbing", generation=4, step=2).table(4, weight=100)
    story.look(STABLE, {STABLE: 2, CANARY: 2}, {(STABLE, CANARY): 100}).answered(CANARY, 60, weight=100)
    baking: dict[str, Any] = {"generation": 5, "stable": CANARY, "canary": ""}
    story.status("Baking", **baking).table(5, stable=CANARY, superseded=[STABLE]).service(CANARY)
    story.look(CANARY, {STABLE: 2, CANARY: 2}).answered(CANARY, 60)
    story.status("Draining", **baking).status("Serving", **baking | {"generation": 6}).table(6, stable=CANARY)
    return story.gone("Deployment", f"{MODEL}-{STABLE}").look(CANARY, {CANARY: 2}).answered(CANARY, 60)


def rollback() -> Story:
    """To its end: rejected on the first step, the grant taken away, and its pods."""
    story = climbing(verdicts=("FAIL",)).status("Withdrawing", generation=3, rejected=(CANARY,), verdicts=("FAIL",))
    story.table(3).answered(CANARY, 1, weight=10).look(STABLE, {STABLE: 2, CANARY: 1}).passes(2)
    story.deployment(CANARY, 0).gone("Deployment", f"{MODEL}-{CANARY}").look(STABLE, {STABLE: 2})
    return story.status("Serving", generation=3, canary="", rejected=(CANARY,))
