"""kstatus by its own code: what it takes a BankModel for that nobody has looked at yet, and whether our tests know its rules."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from support.bankmodels import a_bankmodel
from support.kstatus import kstatus, kstatus_itself
from support.kubectl import Kubectl

pytestmark = pytest.mark.control_plane

_NAME = "mortgage-approval"


def test_a_new_model_is_on_its_way_before_anybody_looked_at_it(kubectl: Kubectl, namespace: str) -> None:
    kubectl("apply", "--server-side", "-f", "-", body=a_bankmodel(name=_NAME, namespace=namespace))

    assert ["InProgress"] == kstatus_itself([kubectl.read("get", "bm", _NAME, "-n", namespace)])


def test_the_rules_of_kstatus_are_those_of_its_code() -> None:
    conditions = [
        tuple(zip(order, truths, strict=True))
        for order in itertools.permutations(("Ready", "Reconciling", "Stalled"))
        for truths in itertools.product(("True", "False", "Unknown", None), repeat=3)
    ]
    every = [
        _live(said, observed, deleted)
        for said, observed, deleted in itertools.product(conditions, (None, -1, 1, 2), (False, True))
    ]

    assert kstatus_itself(every) == [kstatus(each) for each in every]


def _live(said: tuple[tuple[str, str | None], ...], observed: int | None, deleted: bool) -> dict[str, Any]:
    metadata = {"name": "m", "generation": 2, **({"deletionTimestamp": "2026-11-25T10:00:00Z"} if deleted else {})}
    conditions = [{"type": kind, "status": truth, "reason": "R", "message": "m"} for kind, truth in said if truth]
    status = {"conditions": conditions, **({} if observed is None else {"observedGeneration": observed})}
    return {"apiVersion": "serving.bankmodel.io/v1alpha1", "kind": "BankModel", "metadata": metadata, "status": status}
