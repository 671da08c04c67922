"""The text that keeps a window: what an operator before this one wrote is read, and nothing else is taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bankmodel_operator.core.analysis.evidence import from_json, to_json
from bankmodel_operator.core.analysis.figures import Counts, Forwarding
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.window import Memory, Window, begin
from support.pod_counts import CANARY, STABLE, START, after

WINDOW = Window(
    CANARY,
    STABLE,
    START,
    last=after(60),
    of_canary=Counts(7, 1, Histogram((0.1,), (5, 2)), None, 9, {"age": 0, "income": 4}),
    of_stable=Counts(is_mixed=True),
    forwarding=Forwarding({"ok": 6, "error": 1}, {"error": 1}, {}, 3, 1, None, 8, {"income": 2}),
    baseline=Histogram((0.5,), (50, 50)),
    restarts=1,
    pods={
        "p": Memory(CANARY, after(60), 1, Counts(7), Forwarding({"ok": 2})),
        "q": Memory(STABLE, after(30), 0),
    },
    streaks={"custom": 2},
)
WRITTEN = (
    '{"form":1,"canary":"cccccccccc","stable":"aaaaaaaaaa","started":"2026-11-25T08:00:00+00:00","last":"2026-11-25T08:01:00+00:00",'
    '"ofCanary":[7,1,[0,5,2],null,9,[0,0,1,4],0],"ofStable":[0,0,null,null,0,[],1],'
    '"forwarding":[[2,6,1,1],[3,1],[],[1,2],3,1,8,null],"baseline":[1,50,50],"restarts":1,"streaks":{"custom":2},'
    '"pods":{"p":[4,"2026-11-25T08:01:00+00:00",1,[7,0,null,null,0,[],0],[[2,2],[],[],[],0,0,0,null]],'
    '"q":[5,"2026-11-25T08:00:30+00:00",0,null,null]},'
    '"names":["age","income","ok","error","cccccccccc","aaaaaaaaaa"],"edges":[[0.1],[0.5]]}'
)


def test_the_form_that_is_in_clusters_is_written_and_read() -> None:
    assert WRITTEN == to_json(WINDOW)
    assert WINDOW == from_json(WRITTEN)


def test_an_empty_window_comes_back_empty() -> None:
    empty = begin(CANARY, STABLE, START)

    assert empty == from_json(to_json(empty))


DAMAGED: dict[str, dict[str, Any]] = {
    "a name that is not there": {"names": ["age"]},
    "a name that is none": {"names": [1, 2, 3, 4, 5, 6]},
    "edges that are not there": {"edges": []},
    "an edge beyond all numbers": {"edges": [[10**400], [0.5]]},
    "pods that are none": {"pods": []},
    "a count without its name": {"ofCanary": [7, 1, None, None, 9, [0], 0]},
    "a bin too many": {"baseline": [1, 50, 50, 50]},
    "a bin too few": {"baseline": [1, 50]},
    "a count that is a part": {"baseline": [1, 50, 0.5]},
    "a time that is none": {"last": "soon"},
    "a time that is a number": {"last": 7},
    "a revision that is none": {"canary": None},
    "an answer counted below nothing": {"streaks": {"custom": -1}},
    "the form before": {"form": 0},
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_evidence_that_is_damaged_is_none(change: dict[str, Any]) -> None:
    assert from_json(json.dumps({**json.loads(WRITTEN), **change})) is None


@pytest.mark.parametrize("field", json.loads(WRITTEN))
def test_evidence_without_one_of_its_parts_is_none(field: str) -> None:
    body = json.loads(WRITTEN)
    del body[field]

    assert from_json(json.dumps(body)) is None


def test_a_text_of_nothing_but_brackets_is_none() -> None:
    assert from_json("[" * 200_000) is None
