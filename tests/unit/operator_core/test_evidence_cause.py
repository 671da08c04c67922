"""Whose fault a failed check is: only the model's own faults reject its digest in any other dress."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bankmodel_operator.core.analysis.figures import Counts, Forwarding
from bankmodel_operator.core.analysis.window import Window, begin
from bankmodel_operator.core.evidence import was_only_unreachable, without_unreached

EMPTY = begin("canary", "stable", datetime(2026, 11, 25, 8, tzinfo=UTC))


def with_attempts(errors: int = 0, restarts: int = 0, **attempts: int) -> Window:
    counts = Counts(requests=20, errors=errors)
    return replace(EMPTY, of_canary=counts, restarts=restarts, forwarding=Forwarding(attempts=attempts))


def with_copies(**copies: int) -> Window:
    return replace(EMPTY, forwarding=Forwarding(copies=copies))


CASES: dict[str, tuple[Window, bool]] = {
    "its pods were gone": (with_attempts(ok=5, unreachable=5, skipped=4), True),
    "the breaker is still open": (with_attempts(skipped=3), True),
    "it answered with errors": (with_attempts(ok=5, error=3, unreachable=5), False),
    "it hung": (with_attempts(ok=5, timeout=5, skipped=9, unreachable=1), False),
    "its own counters tell of errors": (with_attempts(errors=3, unreachable=5), False),
    "it crashed once": (with_attempts(unreachable=9, restarts=1), True),
    "it crashed again and again": (with_attempts(unreachable=9, restarts=2), False),
    "nothing failed": (with_attempts(ok=9), False),
    "its pods got no copies": (with_copies(ok=5, unreachable=7), True),
    "it answered copies with errors": (with_copies(error=3, unreachable=7), False),
    "it hung on copies": (with_copies(timeout=3, unreachable=7), False),
}


@pytest.mark.parametrize(("window", "is_the_nodes"), CASES.values(), ids=CASES)
def test_a_pod_that_was_not_there_is_not_the_models_fault(window: Window, is_the_nodes: bool) -> None:
    assert is_the_nodes is was_only_unreachable(window)


def test_attempts_that_met_nobody_are_not_counted_at_first() -> None:
    forwarding = without_unreached(with_attempts(ok=5, unreachable=9, skipped=4)).forwarding

    assert {"ok": 5} == forwarding.attempts


def test_copies_that_met_nobody_are_not_counted_at_first() -> None:
    forwarding = without_unreached(with_copies(ok=5, unreachable=7, dropped=2)).forwarding

    assert {"ok": 5, "dropped": 2} == forwarding.copies


@pytest.mark.parametrize(
    "window", [with_attempts(ok=5, error=1, unreachable=9), with_copies(ok=5, error=1, unreachable=9)]
)
def test_worse_than_that_is_counted_whole(window: Window) -> None:
    assert window == without_unreached(window)
