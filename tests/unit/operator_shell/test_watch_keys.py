"""Which model a watched object belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.handlers import key_of_child


def child(labels: dict[str, str] | None = None, *owners: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"namespace": "lending", "name": "x", "labels": labels, "ownerReferences": list(owners)}}


def owner(kind: str = "BankModel", *, controller: bool = True) -> dict[str, Any]:
    return {"kind": kind, "name": "mortgage", "controller": controller}


LABEL = {"serving.bankmodel.io/model": "cards"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(child(None, owner()), ("lending", "mortgage"), id="by its controller"),
        pytest.param(child(LABEL, owner()), ("lending", "mortgage"), id="the controller counts before the label"),
        pytest.param(child(LABEL, owner("ReplicaSet")), ("lending", "cards"), id="a pod, by its label"),
        pytest.param(child(LABEL, owner(controller=False)), ("lending", "cards"), id="an owner that does not control"),
        pytest.param(child(None, owner("ReplicaSet")), None, id="somebody else's"),
        pytest.param({}, None, id="nothing at all"),
    ],
)
def test_a_child_leads_to_its_model(body: dict[str, Any], expected: tuple[str, str] | None) -> None:
    assert key_of_child(body) == expected
