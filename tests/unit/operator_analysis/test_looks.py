"""Which pods are looked at: those whose figures or restarts say something, and none whose silence would hold a rollout for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bankmodel_operator.core.analysis.samples import Sample
from bankmodel_operator.core.analysis.window import Look
from bankmodel_operator.core.looks import looks_at
from bankmodel_operator.core.observation import Manifest, Report
from bankmodel_operator.core.pods import see
from support.pod_counts import CANARY, START

SAMPLE = Sample(START, CANARY)
BEGUN = "2026-11-25T08:00:01Z"
RUNS = {"state": {"running": {"startedAt": BEGUN}}}
CRASHES = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4}


def pod(container: dict[str, Any] | None, *, phase: str = "Running", **metadata: Any) -> Manifest:
    statuses = [] if container is None else [{"name": "serving", **container}]
    return {
        "metadata": {"name": "p", "uid": "u", "labels": {"serving.bankmodel.io/revision": CANARY}, **metadata},
        "status": {"phase": phase, "containerStatuses": statuses},
    }


LEAVES = {"deletionTimestamp": BEGUN}
MOMENT = datetime(2026, 11, 25, 8, 0, 1, tzinfo=UTC)
CASES: dict[str, tuple[Manifest, Sample | None, tuple[Look, ...]]] = {
    "it runs": (pod(RUNS), SAMPLE, (Look("u", CANARY, SAMPLE, MOMENT, 0),)),
    "it runs and is silent": (pod(RUNS), None, (Look("u", CANARY, None, MOMENT, 0),)),
    "it crashes": (pod(CRASHES), None, (Look("u", CANARY, None, None, 4),)),
    "it waits for a node": (pod(None, phase="Pending"), None, ()),
    "it leaves and still speaks": (pod(RUNS, **LEAVES), SAMPLE, (Look("u", CANARY, SAMPLE, MOMENT, 0),)),
    "it leaves": (pod(RUNS, **LEAVES), None, ()),
    "it failed": (pod(RUNS, phase="Failed"), SAMPLE, ()),
}


@pytest.mark.parametrize(("manifest", "sample", "expected"), CASES.values(), ids=CASES)
def test_a_pod_is_looked_at(manifest: Manifest, sample: Sample | None, expected: tuple[Look, ...]) -> None:
    assert expected == looks_at([see(manifest, Report(sample=sample))])
