"""Verdicts at their very edges, how the error probability is shared, and what is told with a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import checks as api
from bankmodel_operator.core.analysis.figures import Forwarding
from bankmodel_operator.core.analysis.rates import bounds
from bankmodel_operator.core.analysis.verdicts import Answer, Rung, Verdict
from bankmodel_operator.core.analysis.window import Memory, Window
from support.judging import NOW_S, check, counts, latency, sent, verdict, verdicts, window
from support.pod_counts import CANARY, STABLE, after

ERRORS = check(errorRate={"max": "1%"})
FLIPS = check(decisionFlips={"max": "2%"})
RATIO = check(latency={"quantile": "0.95", "maxRatioToStable": "1.5"})
QUERY = check(prometheus={"address": "http://p", "query": "up", "min": "1", "max": "2"})
AT_MOST = check(prometheus={"address": "http://p", "query": "up", "max": "2"})


def heard(seconds_ago: float) -> Window:
    """Every pod was heard so long ago."""
    then = after(NOW_S - seconds_ago)
    return window(last=then, pods={"c": Memory(CANARY, then, 0), "s": Memory(STABLE, then, 0)})


EDGES: dict[str, tuple[Window, api.Check, Verdict, str]] = {
    "just enough requests": (window(forwarding=sent(ok=100)), ERRORS, Verdict.PASS, "WithinLimit"),
    "exactly at the limit": (window(forwarding=sent(ok=990, error=10)), ERRORS, Verdict.PASS, "WithinLimit"),
    "figures of three intervals ago": (heard(30), ERRORS, Verdict.PASS, "WithinLimit"),
    "of more": (heard(30.5), ERRORS, Verdict.UNKNOWN, "Stale"),
    "requests of callers, few of them answered by itself": (window(of_canary=counts(3)), ERRORS, Verdict.PASS, "WithinLimit"),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "given", "expected", "reason"), EDGES.values(), ids=EDGES)
def test_at_the_edge(seen: Window, given: api.Check, expected: Verdict, reason: str) -> None:
    found = verdict(seen, given)

    assert (expected, reason) == (found.verdict, found.reason)


@pytest.mark.parametrize(
    ("requests", "expected"), [(99, Verdict.UNKNOWN), (100, Verdict.PASS)], ids=["too few", "just enough"]
)
def test_restarts_pass_with_enough_requests(requests: int, expected: Verdict) -> None:
    (found,) = verdicts([], window(of_canary=counts(requests)))

    assert expected is found.verdict


def lower(*given: api.Check) -> float | None:
    """The lower end of the range that the first check tells, of 4 errors in 100."""
    named = [each.model_copy(update={"name": f"c{index}"}) for index, each in enumerate(given)]
    return verdicts(named, window(forwarding=sent(ok=96, error=4)))[0].lower


SHARED: dict[str, tuple[tuple[api.Check, ...], int]] = {
    "alone": ((ERRORS,), 1),
    "one of two": ((ERRORS, RATIO), 2),
    "one of sixteen": ((ERRORS, *[RATIO] * 15), 16),
    "beside a query": ((ERRORS, QUERY), 1),
    "beside a critical check": ((ERRORS, RATIO.model_copy(update={"critical": True})), 1),
    "beside one that is not measured here": ((ERRORS, FLIPS), 1),
}


@pytest.mark.parametrize(("given", "parts"), SHARED.values(), ids=SHARED)
def test_the_error_probability_is_shared_by_the_checks_that_prove(given: tuple[api.Check, ...], parts: int) -> None:
    assert lower(*given) == pytest.approx(bounds(4, 100, 0.05 / parts).lower)


def test_where_no_check_proves_anything_there_is_nothing_to_share() -> None:
    critical = ERRORS.model_copy(update={"critical": True})

    assert lower(critical, critical) == pytest.approx(bounds(4, 100, 0.05).lower)


ASKED: dict[str, tuple[api.Check, Answer | None, dict[str, int], Verdict, str]] = {
    "at the least": (QUERY, Answer(after(NOW_S), 1.0), {}, Verdict.PASS, "the answer is 1, limits 1 to 2"),
    "at the most": (QUERY, Answer(after(NOW_S), 2.0), {}, Verdict.PASS, "the answer is 2, limits 1 to 2"),
    "without a least": (AT_MOST, Answer(after(NOW_S), -9.5), {}, Verdict.PASS, "the answer is -9.5, limits any to 2"),
    "just fresh": (QUERY, Answer(after(NOW_S - 30), 1.0), {}, Verdict.PASS, "the answer is 1, limits 1 to 2"),
    "good after bad ones": (QUERY, Answer(after(NOW_S), 2.0), {"it": 2}, Verdict.PASS, "the answer is 2, limits 1 to 2"),
    "beyond": (
        QUERY, Answer(after(NOW_S), 3.0), {"it": 3}, Verdict.FAIL, "the answer is 3, limits 1 to 2; beyond them 3 times in a row"
    ),
    "beyond, and not counted yet": (
        QUERY, Answer(after(NOW_S), 3.0), {}, Verdict.UNKNOWN,
        "beyond the limit, which may still be chance; the answer is 3, limits 1 to 2; beyond them 0 times in a row",
    ),
    "failed": (QUERY, Answer(after(NOW_S), None, "timed out"), {}, Verdict.UNKNOWN, "no answer: timed out"),
    "never asked": (QUERY, None, {}, Verdict.UNKNOWN, "no answer: it was not asked lately"),
}  # fmt: skip


@pytest.mark.parametrize("case", ASKED)
def test_what_is_told_of_an_outside_query(case: str) -> None:
    given, answer, streaks, expected, message = ASKED[case]
    found = verdict(window(streaks=streaks), given, answers={"it": answer} if answer else None)

    assert (expected, message, 1000) == (found.verdict, found.message, found.requests)


def test_a_query_that_is_within_needs_its_requests_and_one_beyond_has_no_hope() -> None:
    few = window(of_canary=counts(20))
    good, bad = (verdict(few, QUERY, answers={"it": Answer(after(NOW_S), value)}) for value in (1.0, 3.0))

    assert (100, after(5 * NOW_S)) == (good.needed, good.eta)
    assert (None, None) == (bad.needed, bad.eta)


NEEDED: dict[str, tuple[Window, api.Check, int | None, Any]] = {
    "one so far": (window(forwarding=sent(ok=1)), ERRORS, 100, after(100 * NOW_S)),
    "none so far": (window(forwarding=sent(ok=0, refused=1)), ERRORS, None, None),
    "errors, and none is allowed": (window(forwarding=sent(ok=99, error=1)), check(errorRate={"max": "0%"}), None, None),
    "errors that enough good requests make up for": (window(forwarding=sent(ok=198, error=2)), ERRORS, 200, None),
    "more errors than that": (window(forwarding=sent(ok=197, error=3)), ERRORS, 300, after(1.5 * NOW_S)),
    "enough, but figures are old": (window(last=after(NOW_S - 31)), ERRORS, 100, after(NOW_S)),
    "a limit between two edges": (
        window(of_canary=counts(latency=latency(ms_25=1000))), check(latency={"quantile": "0.95", "max": "22ms"}), None, None
    ),
    "as fast as the stable, but few": (
        window(of_canary=counts(50), forwarding=sent(ok=50)), RATIO, 100, after(2 * NOW_S)
    ),
    "fewer compared than answered": (window(forwarding=Forwarding(compared=50)), FLIPS, 100, after(2 * NOW_S)),
}  # fmt: skip


@pytest.mark.parametrize("case", NEEDED)
def test_how_many_requests_it_takes_and_until_when(case: str) -> None:
    seen, given, needed, eta = NEEDED[case]
    found = verdict(seen, given, Rung.SHADOW if given is FLIPS else Rung.WEIGHT)

    assert (needed, eta) == (found.needed, found.eta)


def test_what_is_too_far_away_is_not_foreseen() -> None:
    assert verdict(window(forwarding=sent(ok=1)), ERRORS, least=10**9).eta is None


def test_in_its_first_moment_nothing_is_foreseen() -> None:
    begun = window(started=after(NOW_S), forwarding=sent(ok=1))

    assert verdict(begun, ERRORS).eta is None


DOUBTS: dict[str, tuple[Window, str, str]] = {
    "never scraped": (window(last=None), "NoData", "no pod has reported in this step yet"),
    "old": (heard(45), "Stale", "the newest figures are 45 s old"),
    "nobody there": (window(pods={}), "NoPods", "no pod of the canary or of the stable is there to report"),
    "silent": (
        window(pods={**window().pods, "d": Memory(CANARY, after(10), 0), "e": Memory(STABLE, after(10), 0)}),
        "PodsSilent",
        "2 pods have not reported for 30 s",
    ),
}


@pytest.mark.parametrize(("seen", "reason", "sentence"), DOUBTS.values(), ids=DOUBTS)
def test_why_figures_are_not_trusted_is_told_with_them(seen: Window, reason: str, sentence: str) -> None:
    errors, restarts = verdicts([ERRORS], seen)

    assert reason == errors.reason
    assert errors.message.startswith(f"{sentence}; 0 of 1000 requests failed: 0%")
    assert (reason, sentence) == (restarts.reason, restarts.message)


def test_too_many_restarts_fail_though_figures_are_not_trusted() -> None:
    (found,) = verdicts([], window(last=None, restarts=2))

    assert (Verdict.FAIL, "Restarted") == (found.verdict, found.reason)


def test_what_is_told_of_restarts() -> None:
    few, enough = (verdicts([], window(restarts=1, of_canary=counts(n)))[0] for n in (20, 100))

    assert "1 restarts of the canary's containers; 20 of 100 requests" == few.message
    assert ("TooFewRequests", "1", "1", 20, 100) == (few.reason, few.value, few.limit, few.requests, few.needed)
    assert ("WithinLimit", "1 restarts of the canary's containers") == (enough.reason, enough.message)


def test_a_check_has_a_number_of_requests_of_its_own() -> None:
    more, fewer = (check(errorRate={"max": "1%"}, minRequests=least) for least in (2000, 10))

    assert "TooFewRequests" == verdict(window(), more).reason
    assert "WithinLimit" == verdict(window(forwarding=sent(ok=10)), fewer).reason
