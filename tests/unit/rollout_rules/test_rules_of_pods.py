"""Each rule about what pods did sees a history that breaks it, and is silent about good ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support.made_up_trial import CANARY, MODEL, STABLE, Story, climbing, promotion, rollback
from support.pod_rules import longest_after_rejection, rules_broken_by_pods

_SENT = {(STABLE, CANARY): 50}
_ON_STEP_2: dict[str, Any] = {"generation": 3, "step": 1}


def _broken(story: Story) -> list[str]:
    return rules_broken_by_pods(story.changes, answers=story.answers, looks=story.looks)


@pytest.mark.parametrize("tell", [promotion, rollback])
def test_good_pods_break_no_rule(tell: Callable[[], Story]) -> None:
    assert [] == _broken(tell())


def _withdrawn_too_early() -> Story:
    return climbing().look(STABLE, {STABLE: 2}, {(STABLE, CANARY): 10})


def _on_its_second_step() -> Story:
    return climbing().status("Climbing", **_ON_STEP_2).table(3, weight=50)


_BROKEN: dict[str, tuple[Callable[[], Story], str]] = {
    "a share is sent to nobody": (
        _withdrawn_too_early,
        f"pods of {STABLE} send 10 % to {CANARY}, of which none is ready",
    ),
    "a share is sent to too few": (
        lambda: climbing().look(STABLE, {STABLE: 4, CANARY: 1}, _SENT),
        f"4 pods of {STABLE} send 50 % to 1 of {CANARY}",
    ),
    "callers reach fewer pods than before": (
        lambda: climbing().look(STABLE, {STABLE: 1, CANARY: 1}),
        f"callers reach 1 ready pods of {STABLE}, and had 2 of {STABLE}",
    ),
    "callers are led to a smaller revision": (
        lambda: climbing().look(CANARY, {STABLE: 2, CANARY: 1}),
        f"callers reach 1 ready pods of {CANARY}, and had 2 of {STABLE}",
    ),
    "callers are led nowhere": (
        lambda: climbing().look("", {STABLE: 2, CANARY: 1}),
        f"callers reach 0 ready pods of nothing, and had 2 of {STABLE}",
    ),
    "it answers after it was withdrawn": (
        lambda: climbing().table(3).passes(1.4).answered(CANARY, 7),
        f"{CANARY} answered 7 requests up to 1.5 s after it was withdrawn",
    ),
    "it rises after too few requests": (
        lambda: _on_its_second_step().answered(CANARY, 19, weight=50).status("Climbing", generation=4, step=2),
        "rises above 50 % after 19 of 20 requests",
    ),
    "requests by another weight do not count": (
        lambda: _on_its_second_step().answered(CANARY, 99, weight=10).status("Climbing", generation=4, step=2),
        "rises above 50 % after 0 of 20 requests",
    ),
    "it rises though too many failed": (
        lambda: (
            _on_its_second_step().answered(CANARY, 94, weight=50, failed=6).status("Climbing", generation=4, step=2)
        ),
        "rises above 50 % though 6 of 100 requests failed",
    ),
}


@pytest.mark.parametrize(("tell", "expected"), _BROKEN.values(), ids=_BROKEN)
def test_what_must_never_be_is_seen(tell: Callable[[], Story], expected: str) -> None:
    assert [f"{MODEL}: {expected}"] == _broken(tell())


def test_a_rise_that_is_heard_of_after_its_table_breaks_no_rule() -> None:
    story = promotion()
    late = [replace(each, at=each.at + 1.5) if each.kind == "BankModel" else each for each in story.changes]

    assert [] == rules_broken_by_pods(late, answers=story.answers, looks=story.looks)


def test_a_pod_that_was_shown_an_older_table_is_seen() -> None:
    seen = rules_broken_by_pods([], refused={"mortgage-0": [3]})

    assert ["pod mortgage-0 was shown lower generations: [3]"] == seen


def test_a_canary_that_is_granted_anew_may_answer_again() -> None:
    story = (
        climbing()
        .table(3)
        .status("Climbing", generation=4)
        .table(4, weight=10)
        .passes(2)
        .answered(CANARY, 7, weight=10)
    )

    assert [] == _broken(story)


def test_the_time_from_rejection_to_the_last_answer_is_told() -> None:
    assert longest_after_rejection(promotion().changes, promotion().answers) == 0
    assert longest_after_rejection(rollback().changes, rollback().answers) == pytest.approx(1.1)
    late = rollback().passes(60).answered(CANARY, 1)
    assert longest_after_rejection(late.changes, late.answers) > 60
