"""Verdicts as people and status read them."""

from __future__ import annotations

from math import inf

import pytest

from bankmodel_operator.core.analysis.verdicts import CheckResult, Verdict, as_percent, as_seconds, verdict_status


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0001, "0.1ms"),
        (0.018, "18ms"),
        (0.9994, "999ms"),
        (0.9996, "1000ms"),
        (1.0, "1s"),
        (1.25, "1.25s"),
        (5000.0, "5000s"),
        (inf, "beyond all bins"),
    ],
)
def test_a_time_is_told_in_three_digits(seconds: float, expected: str) -> None:
    assert expected == as_seconds(seconds)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, "0%"), (0.004, "0.4%"), (0.01005, "1%"), (1 / 3, "33.3%"), (1.0, "100%"), (1e-9, "0.0000001%")],
)
def test_a_share_is_told_in_three_digits(share: float, expected: str) -> None:
    assert expected == as_percent(share)


@pytest.mark.parametrize(
    ("length", "end"), [(199, "x"), (200, "x"), (201, "…")], ids=["short", "just so long", "too long"]
)
def test_a_message_in_status_ends_where_it_is_cut(length: int, end: str) -> None:
    message = verdict_status(CheckResult("it", Verdict.UNKNOWN, "NoData", "x" * length))["message"]

    assert min(length, 200) == len(message)
    assert message.endswith(end)


def test_a_result_that_says_no_more_rests_on_nothing() -> None:
    found = CheckResult("it", Verdict.UNKNOWN, "NoData", "nothing was counted")

    assert (0, "", "", False) == (found.requests, found.value, found.limit, found.is_critical)
