"""Each rule about writes sees a history that breaks it, and is silent about good ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.made_up_trial import CANARY, MODEL, STABLE, Story, climbing, promotion, rollback
from support.rollout_rules import broken_rules

_OTHER = "bbbbbbbbbb"
_ON_STEP_2: dict[str, Any] = {"generation": 3, "step": 1}
Broken = tuple[Callable[[], Story], str]


@pytest.mark.parametrize("tell", [promotion, rollback])
def test_a_good_history_breaks_no_rule(tell: Callable[[], Story]) -> None:
    assert [] == broken_rules(tell().changes)


_TABLES: dict[str, Broken] = {
    "an older table": (
        lambda: climbing().table(1),
        "the generation falls from 2 to 1",
    ),
    "another content under the same generation": (
        lambda: climbing().table(2),
        "another content under the same generation",
    ),
    "a grant to a rejected revision": (
        lambda: climbing().status("Climbing", generation=3, rejected=(CANARY,)).table(3, weight=10),
        f"grants 10 % to {CANARY}, which is rejected",
    ),
    "a grant that was not saved first": (
        lambda: climbing().table(3, weight=50),
        "grants 50 % while status says Climbing with 10 %",
    ),
    "a grant in another state": (
        lambda: climbing().status("Withdrawing", generation=3).table(3, weight=10),
        "grants 10 % while status says Withdrawing with None %",
    ),
    "a grant to somebody else": (
        lambda: climbing().deployment(_OTHER, 1).pod(_OTHER, 0).table(3, weight=10, canary=_OTHER),
        f"grants 10 % to {_OTHER}, which is not the canary in status",
    ),
    "a rise without a ready pod": (
        lambda: climbing().pod(CANARY, 0, is_ready=False).status("Climbing", **_ON_STEP_2).table(3, weight=50),
        f"raises {CANARY} to 50 % without a ready pod of it",
    ),
    "more than its pods can do": (
        lambda: climbing().status("Climbing", **_ON_STEP_2, weight=100).table(3, weight=100),
        "grants 100 % of what 2 pods do to 1 pods",
    ),
}
_CAPACITY: dict[str, Broken] = {
    "what the table needs is deleted": (
        lambda: rollback().service(CANARY).gone("Deployment", f"{MODEL}-{STABLE}"),
        "is deleted while the table says that it answers",
    ),
    "what the Service selects is deleted": (
        lambda: promotion().service(STABLE).deployment(STABLE, 2).gone("Deployment", f"{MODEL}-{STABLE}"),
        "is deleted while the Service selects it",
    ),
    "a canary shrinks under its share": (
        lambda: climbing().deployment(CANARY, 0),
        "shrinks from 1 to 0 while it has 10 %",
    ),
    "the stable shrinks while all may return": (
        lambda: climbing().deployment(STABLE, 1),
        "shrinks from 2 to 1 in Climbing, and all traffic may return to it",
    ),
}
_SELECTORS: dict[str, Broken] = {
    "selected without a ready pod": (
        lambda: (
            climbing()
            .pod(CANARY, 0, is_ready=False)
            .status("Baking", generation=3)
            .table(3, stable=CANARY)
            .service(CANARY)
        ),
        f"selects {CANARY}, of which no pod is ready",
    ),
    "selected though rejected": (
        lambda: climbing().status("Baking", generation=3, rejected=(CANARY,)).table(3, stable=CANARY).service(CANARY),
        f"selects {CANARY}, which is rejected",
    ),
    "selected before the table": (
        lambda: climbing().service(CANARY),
        f"selects {CANARY} before the table says so",
    ),
}
_STATUS: dict[str, Broken] = {
    "an older generation is saved": (
        lambda: climbing().status("Climbing", generation=1),
        "the saved generation falls from 2 to 1",
    ),
    "a step is left out": (
        lambda: climbing().status("Climbing", generation=3, step=2),
        "goes from step 0 to 2",
    ),
    "a rise without PASS": (
        lambda: climbing(verdicts=("PASS", "UNKNOWN")).status("Climbing", **_ON_STEP_2),
        "rises from 10 to 50 % with the verdicts ['PASS', 'UNKNOWN']",
    ),
    "a rise without any verdict": (
        lambda: climbing(verdicts=()).status("Climbing", **_ON_STEP_2),
        "rises from 10 to 50 % with the verdicts []",
    ),
}
_BROKEN = _TABLES | _CAPACITY | _SELECTORS | _STATUS


@pytest.mark.parametrize(("tell", "expected"), _BROKEN.values(), ids=_BROKEN)
def test_what_must_never_be_is_seen(tell: Callable[[], Story], expected: str) -> None:
    assert expected in [said.partition(": ")[2] for said in broken_rules(tell().changes)]


def test_a_rise_by_order_needs_no_verdict() -> None:
    story = climbing(verdicts=()).status("Climbing", generation=3, step=2, promotionOrdered=True)

    assert [] == broken_rules(story.changes)
