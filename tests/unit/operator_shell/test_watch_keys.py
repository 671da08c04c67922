"""Which model a watched object belongs to, and which models may wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bankmodel_operator.cluster.queue import Lane
from bankmodel_operator.handlers import News, key_of_child


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


def model(state: str = "Serving", *, generation: int = 3, **metadata: Any) -> dict[str, Any]:
    stable = {"revision": "r1", "version": "1", "sha256": "a" * 64, "since": "2026-11-01T00:00:00Z"}
    return {
        "metadata": {"namespace": "lending", "name": "mortgage", "uid": "u", "generation": generation, **metadata},
        "status": {"observedGeneration": 3, "stable": stable, "rollout": {"state": state}},
    }


UNSEEN = {"metadata": {"uid": "u", "generation": 1}}


@pytest.mark.parametrize(
    ("event", "body", "expected"),
    [
        pytest.param(None, model(), Lane.ROUTINE, id="listed, at rest"),
        pytest.param(None, model("Climbing"), Lane.MOVING, id="listed, on trial"),
        pytest.param(None, model("SomethingNew"), Lane.MOVING, id="listed, in a state not known here"),
        pytest.param(None, model(generation=4), Lane.MOVING, id="listed, edited while nobody led"),
        pytest.param(None, UNSEEN, Lane.MOVING, id="listed, never looked at"),
        pytest.param("ADDED", UNSEEN, Lane.EDITED, id="made"),
    ],
)
def test_only_a_model_at_rest_that_was_merely_listed_can_wait(
    event: str | None, body: dict[str, Any], expected: Lane
) -> None:
    assert News().lane(event, body) is expected


@pytest.mark.parametrize(
    ("event", "body", "expected"),
    [
        pytest.param("MODIFIED", model("Baking"), Lane.MOVING, id="another status"),
        pytest.param("MODIFIED", model(annotations={"team": "cards"}), Lane.MOVING, id="somebody's note"),
        pytest.param("MODIFIED", model(generation=4), Lane.EDITED, id="another spec"),
        pytest.param("MODIFIED", model(annotations={"serving.bankmodel.io/abort": "r2"}), Lane.EDITED, id="an order"),
        pytest.param("MODIFIED", model(generation=4, deletionTimestamp="now"), Lane.EDITED, id="being deleted"),
    ],
)
def test_an_edit_is_told_from_the_operators_own_status(event: str, body: dict[str, Any], expected: Lane) -> None:
    news = News()
    news.lane(None, model("Climbing"))

    assert news.lane(event, body) is expected
    assert news.lane(event, body) is Lane.MOVING


async def test_who_waits_for_the_list_is_told_when_so_many_were_heard_of() -> None:
    news = News()
    news.lane(None, model(uid="first"))
    waiting = asyncio.create_task(news.heard_of(2, within_s=60))
    await asyncio.sleep(0)
    assert not waiting.done()

    news.lane(None, model(uid="second"))
    await asyncio.wait_for(waiting, 10)


async def test_models_deleted_while_they_are_listed_are_not_waited_for_without_end() -> None:
    await asyncio.wait_for(News().heard_of(1, within_s=0.01), 10)
