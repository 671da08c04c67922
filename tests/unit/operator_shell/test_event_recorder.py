"""Events: one object for a series of the same, and never a flood."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.events import Note, Recorder
from bankmodel_operator.cluster.resources import Ref

pytestmark = pytest.mark.asyncio

MODEL: Object = {
    "apiVersion": "serving.bankmodel.io/v1alpha1",
    "kind": "BankModel",
    "metadata": {"name": "mortgage", "namespace": "lending", "uid": "u-1", "resourceVersion": "7"},
}


class Posted:
    """Where events end up."""

    def __init__(self) -> None:
        self.created: list[Object] = []
        self.counts: list[Any] = []
        self.is_gone = False

    async def create(self, body: Object) -> Object:
        self.created.append(body)
        return body

    async def merge(self, _ref: Ref, body: Object) -> Object | None:
        self.counts.append(body["series"]["count"])
        return None if self.is_gone else body


def recorder(posted: Posted, clock: list[float]) -> Recorder:
    return Recorder(cast(Api, posted), controller="bankmodel-operator", instance="pod-1", clock=lambda: clock[0])


def note(reason: str = "Serving", text: str = "Revision 0a1b2c3d4e answers.") -> Note:
    return Note(MODEL, "Normal", reason, text)


async def test_an_event_says_who_about_what_and_why() -> None:
    posted = Posted()
    await recorder(posted, [0.0]).post(note())
    event = posted.created[0]

    assert event["regarding"]["uid"] == "u-1"
    assert (event["reason"], event["type"], event["reportingController"]) == ("Serving", "Normal", "bankmodel-operator")


async def test_the_same_again_is_counted_on_the_first() -> None:
    posted, clock = Posted(), [0.0]
    events = recorder(posted, clock)
    for _ in range(3):
        await events.post(note())

    assert (len(posted.created), posted.counts) == (1, [2, 3])


async def test_after_ten_minutes_it_is_a_new_event() -> None:
    posted, clock = Posted(), [0.0]
    events = recorder(posted, clock)
    await events.post(note())
    clock[0] = 601.0
    await events.post(note())

    assert len(posted.created) == 2


async def test_a_first_event_that_is_gone_is_made_anew() -> None:
    posted, clock = Posted(), [0.0]
    events = recorder(posted, clock)
    await events.post(note())
    posted.is_gone = True
    await events.post(note())

    assert len(posted.created) == 2


async def test_one_object_cannot_flood() -> None:
    posted, clock = Posted(), [0.0]
    events = recorder(posted, clock)
    for number in range(100):
        await events.post(note(text=f"number {number}"))

    assert len(posted.created) == 25


async def test_the_allowance_comes_back_with_time() -> None:
    posted, clock = Posted(), [0.0]
    events = recorder(posted, clock)
    for number in range(100):
        await events.post(note(text=f"number {number}"))
    clock[0] = 125.0
    for number in range(10):
        await events.post(note(text=f"later {number}"))

    assert len(posted.created) == 27


async def test_long_notes_are_cut_to_what_the_api_takes() -> None:
    posted = Posted()
    await recorder(posted, [0.0]).post(note(text="ü" * 2000))

    assert len(posted.created[0]["note"].encode()) <= 1023
