"""Verdicts: what passes, what fails, and everything that must not be taken for either."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import checks as api
from bankmodel_operator.core.analysis.figures import Counts, Forwarding
from bankmodel_operator.core.analysis.judge import queries_beyond
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.verdicts import Answer, Rung, Verdict, verdict_status
from bankmodel_operator.core.analysis.window import Memory, Window, note_answers
from support.judging import NOW_S, check, counts, latency, older, sent, verdict, verdicts, window
from support.pod_counts import CANARY, SCORE_EDGES, STABLE, START, after

HALVES = Histogram(SCORE_EDGES, (0, *[50] * 20, 0))
SHIFTED = Histogram(SCORE_EDGES, (0, *[10] * 10, *[90] * 10, 0))


ERRORS = check(errorRate={"max": "1%"})
FLIPS = check(decisionFlips={"max": "2%"})
FALLBACKS = check(fallbackRate={"max": "1%"})
MISSING = check(missingRate={"max": "5%", "inputs": ["income"]})
SLOW = check(latency={"quantile": "0.95", "max": "25ms"})
RATIO = check(latency={"quantile": "0.95", "maxRatioToStable": "1.5"})
CARD = check(scoreShift={"against": "Card", "maxPSI": "0.2"})
LIKE_STABLE = check(scoreShift={"against": "Stable", "maxPSI": "0.2"})
QUERY = check(prometheus={"address": "http://p", "query": "up", "min": "1", "max": "2"})


CASES: dict[str, tuple[Window, api.Check, Rung, Verdict, str]] = {
    "good": (window(), ERRORS, Rung.WEIGHT, Verdict.PASS, "WithinLimit"),
    "errors": (window(forwarding=sent(ok=900, error=100)), ERRORS, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"),
    "timeouts": (window(forwarding=sent(ok=900, timeout=100)), ERRORS, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"),
    "the breaker": (window(forwarding=sent(ok=900, skipped=100)), ERRORS, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"),
    "copies": (window(forwarding=sent(ok=900, unreachable=100)), ERRORS, Rung.SHADOW, Verdict.FAIL, "LimitExceeded"),
    "one in twenty is no proof": (window(forwarding=sent(ok=19, error=1)), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "NotYetCertain"),
    "nor is the first": (window(forwarding=sent(error=1)), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "NotYetCertain"),
    "few": (window(forwarding=sent(ok=99)), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "TooFewRequests"),
    "none": (window(forwarding=sent()), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "NoData"),
    "refusals": (window(forwarding=sent(refused=900)), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "Refused"),
    "refusals are not errors": (window(forwarding=sent(ok=500, refused=500)), ERRORS, Rung.WEIGHT, Verdict.PASS, "WithinLimit"),
    "dropped copies are not errors": (window(forwarding=sent(ok=500, dropped=500)), ERRORS, Rung.SHADOW, Verdict.PASS, "WithinLimit"),
    "words of tomorrow are no success": (window(forwarding=sent(levitated=500)), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "NoData"),
    "in bake its own errors": (window(of_canary=counts(errors=100)), ERRORS, Rung.BAKE, Verdict.FAIL, "LimitExceeded"),
    "in bake not those of before": (window(forwarding=sent(error=100)), ERRORS, Rung.BAKE, Verdict.PASS, "WithinLimit"),
    "stale": (window(last=after(NOW_S - 31)), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "Stale"),
    "proof does not go stale": (
        window(last=after(NOW_S - 999), forwarding=sent(error=100)), ERRORS, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"
    ),
    "never scraped": (window(last=None), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "NoData"),
    "no pods": (window(pods={}), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "NoPods"),
    "a silent pod": (
        window(pods={**window().pods, "d": Memory(CANARY, after(10), 0)}), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "PodsSilent"
    ),
    "a silent stable": (
        window(pods={**window().pods, "d": Memory(STABLE, after(10), 0)}), ERRORS, Rung.WEIGHT, Verdict.UNKNOWN, "PodsSilent"
    ),
    "a silent old one in bake": (
        window(pods={**window().pods, "d": Memory(STABLE, after(10), 0)}), ERRORS, Rung.BAKE, Verdict.PASS, "WithinLimit"
    ),
    "flips": (window(forwarding=Forwarding(compared=1000, flips=100)), FLIPS, Rung.SHADOW, Verdict.FAIL, "LimitExceeded"),
    "no flips": (window(), FLIPS, Rung.SHADOW, Verdict.PASS, "WithinLimit"),
    "no cutoff": (window(forwarding=Forwarding(copies={"ok": 500})), FLIPS, Rung.SHADOW, Verdict.UNKNOWN, "NothingCompared"),
    "rows are not requests": (window(of_canary=counts(3)), FLIPS, Rung.SHADOW, Verdict.UNKNOWN, "TooFewRequests"),
    "fallbacks": (
        window(forwarding=Forwarding(attempts={"ok": 900, "refused": 100}, fallbacks={"refused": 100})),
        FALLBACKS, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded",
    ),
    "missing": (window(of_canary=counts(rows=1000, missing={"income": 200})), MISSING, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"),
    "not missing": (window(of_canary=counts(rows=1000, missing={"income": 2})), MISSING, Rung.BAKE, Verdict.PASS, "WithinLimit"),
    "not counted": (window(of_canary=counts(rows=1000, missing={"age": 2})), MISSING, Rung.WEIGHT, Verdict.UNKNOWN, "InputsNotCounted"),
    "slow": (window(of_canary=counts(latency=latency(ms_1=940, ms_50=60))), SLOW, Rung.WEIGHT, Verdict.UNKNOWN, "NotYetCertain"),
    "slower": (window(of_canary=counts(latency=latency(ms_1=800, ms_50=200))), SLOW, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"),
    "fast": (window(of_canary=counts(latency=latency(ms_1=960, ms_50=40))), SLOW, Rung.BAKE, Verdict.PASS, "WithinLimit"),
    "between edges": (
        window(of_canary=counts(latency=latency(ms_25=1000))),
        check(latency={"quantile": "0.95", "max": "22ms"}), Rung.WEIGHT, Verdict.UNKNOWN, "LimitBetweenEdges",
    ),
    "as fast as the stable": (window(), RATIO, Rung.WEIGHT, Verdict.PASS, "WithinLimit"),
    "ten times slower": (window(of_canary=counts(latency=latency(ms_10=1000))), RATIO, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"),
    "within the same bins nothing is sure": (
        window(of_canary=counts(latency=latency(ms_1_5=1000)), of_stable=counts(latency=latency(ms_1=1000))),
        RATIO, Rung.WEIGHT, Verdict.UNKNOWN, "NotYetCertain",
    ),
    "as fast as a stable of an older image": (
        window(of_canary=counts(latency=latency(ms_2=1000)), of_stable=counts(latency=older(ms_2_5=1000))),
        RATIO, Rung.WEIGHT, Verdict.PASS, "WithinLimit",
    ),
    "an older image as fast as the stable": (
        window(of_canary=counts(latency=older(ms_2_5=1000)), of_stable=counts(latency=latency(ms_1_25=1000))),
        RATIO, Rung.WEIGHT, Verdict.PASS, "WithinLimit",
    ),
    "a stable of an older image only looks as slow as that": (
        window(of_canary=counts(latency=latency(ms_3=1000)), of_stable=counts(latency=older(ms_2_5=1000))),
        RATIO, Rung.WEIGHT, Verdict.UNKNOWN, "NotYetCertain",
    ),
    "four times slower than a stable of an older image": (
        window(of_canary=counts(latency=latency(ms_5=1000)), of_stable=counts(latency=older(ms_2_5=1000))),
        RATIO, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded",
    ),
    "an older image that is slower": (
        window(of_canary=counts(latency=older(ms_5=1000)), of_stable=counts(latency=latency(ms_1_25=1000))),
        RATIO, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded",
    ),
    "proven in narrow bins, though not seen in wide ones": (
        window(of_canary=counts(latency=latency(ms_2=900, ms_5=100)), of_stable=counts(latency=older(ms_2_5=1000))),
        RATIO, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded",
    ),
    "bins that have nothing in common": (
        window(of_stable=counts(latency=Histogram((0.0007, 0.0013), (0, 1000, 0)))),
        RATIO, Rung.WEIGHT, Verdict.UNKNOWN, "DifferingBins",
    ),
    "slower in bins that have nothing in common": (
        window(
            of_canary=counts(latency=latency(ms_3=1000)), of_stable=counts(latency=Histogram((0.0007, 0.0013), (0, 1000, 0)))
        ),
        RATIO, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded",
    ),
    "no stable to compare with": (window(of_stable=Counts()), RATIO, Rung.WEIGHT, Verdict.UNKNOWN, "StableTooFew"),
    "as the card": (
        window(of_canary=counts(scores=HALVES), baseline=HALVES), CARD, Rung.BAKE, Verdict.PASS, "WithinLimit"
    ),
    "not as the card": (
        window(of_canary=counts(scores=SHIFTED), baseline=HALVES), CARD, Rung.WEIGHT, Verdict.FAIL, "LimitExceeded"
    ),
    "not as the stable": (
        window(of_canary=counts(scores=SHIFTED), of_stable=counts(scores=HALVES)), LIKE_STABLE, Rung.SHADOW, Verdict.FAIL, "LimitExceeded"
    ),
    "no card": (window(of_canary=counts(scores=HALVES)), CARD, Rung.WEIGHT, Verdict.UNKNOWN, "NoBaseline"),
    "no scores": (window(baseline=HALVES), CARD, Rung.WEIGHT, Verdict.UNKNOWN, "NoScores"),
    "other bins": (
        window(of_canary=counts(scores=HALVES), baseline=Histogram((0.5,), (5, 5))), CARD, Rung.WEIGHT, Verdict.UNKNOWN, "DifferingBins"
    ),
    "mixed bins": (
        window(of_canary=counts(scores=HALVES, is_mixed=True), baseline=HALVES), CARD, Rung.WEIGHT, Verdict.UNKNOWN, "DifferingBins"
    ),
    "scores outside": (
        window(of_canary=counts(scores=Histogram((0.5,), (500, 500))), baseline=Histogram((0.5,), (500, 500))),
        CARD, Rung.WEIGHT, Verdict.UNKNOWN, "ScoresOutside",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "given", "rung", "expected", "reason"), CASES.values(), ids=CASES)
def test_verdict(seen: Window, given: api.Check, rung: Rung, expected: Verdict, reason: str) -> None:
    found = verdict(seen, given, rung)

    assert (expected, reason) == (found.verdict, found.reason)


EVERY = (ERRORS, FLIPS, FALLBACKS, MISSING, SLOW, RATIO, CARD, LIKE_STABLE, QUERY)


@pytest.mark.parametrize("rung", Rung)
@pytest.mark.parametrize("last", [None, after(NOW_S - 1)], ids=["unseen", "seen"])
def test_nothing_passes_from_an_empty_window(rung: Rung, last: Any) -> None:
    empty = replace(window(), of_canary=Counts(), of_stable=Counts(), forwarding=Forwarding(), last=last)
    found = verdicts(
        [each.model_copy(update={"name": f"c{index}"}) for index, each in enumerate(EVERY)],
        empty,
        rung,
        least=1,
        answers={f"c{index}": Answer(after(NOW_S), 1.5) for index in range(len(EVERY))},
    )

    assert {Verdict.UNKNOWN} == {each.verdict for each in found}


@pytest.mark.parametrize(
    ("rung", "left_out"),
    [
        (Rung.SHADOW, {"fallbacks"}),
        (Rung.WEIGHT, {"flips"}),
        (Rung.BAKE, {"flips", "fallbacks", "ratio", "stable"}),
    ],
    ids=["shadow", "weight", "bake"],
)
def test_what_cannot_be_measured_in_a_rung_is_left_out_there(rung: Rung, left_out: set[str]) -> None:
    words = ("errors", "flips", "fallbacks", "missing", "slow", "ratio", "card", "stable", "query")
    given = [each.model_copy(update={"name": word}) for word, each in zip(words, EVERY, strict=True)]

    assert [*(word for word in words if word not in left_out), "restarts"] == [
        each.name for each in verdicts(given, window(), rung)
    ]


def test_a_critical_check_fails_on_its_first_breach() -> None:
    critical = ERRORS.model_copy(update={"critical": True})

    assert "CriticalBreach" == verdict(window(forwarding=sent(ok=19, error=1)), critical).reason
    assert Verdict.PASS == verdict(window(), critical).verdict


@pytest.mark.parametrize(
    ("restarts", "expected"), [(0, Verdict.PASS), (1, Verdict.PASS), (2, Verdict.FAIL)], ids=["none", "one", "two"]
)
def test_two_restarts_of_the_canary_fail(restarts: int, expected: Verdict) -> None:
    found = verdicts([], window(restarts=restarts))

    assert [("restarts", expected)] == [(each.name, each.verdict) for each in found]


ANSWERS: dict[str, tuple[Answer | None, int, Verdict, str]] = {
    "good": (Answer(after(NOW_S), 1.5), 0, Verdict.PASS, "WithinLimit"),
    "a spike": (Answer(after(NOW_S), 3.0), 2, Verdict.UNKNOWN, "NotYetCertain"),
    "three in a row": (Answer(after(NOW_S), 0.5), 3, Verdict.FAIL, "LimitExceeded"),
    "good again": (Answer(after(NOW_S), 1.5), 3, Verdict.PASS, "WithinLimit"),
    "NaN": (Answer(after(NOW_S), nan), 3, Verdict.UNKNOWN, "NoAnswer"),
    "no answer": (Answer(after(NOW_S), None, "timed out"), 3, Verdict.UNKNOWN, "NoAnswer"),
    "never asked": (None, 0, Verdict.UNKNOWN, "NoAnswer"),
    "an old answer": (Answer(after(NOW_S - 31), 1.5), 0, Verdict.UNKNOWN, "NoAnswer"),
}


@pytest.mark.parametrize(("answer", "streak", "expected", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_outside_query(answer: Answer | None, streak: int, expected: Verdict, reason: str) -> None:
    found = verdict(window(streaks={"it": streak}), QUERY, answers={"it": answer} if answer else {})

    assert (expected, reason) == (found.verdict, found.reason)


def test_answers_beyond_limits_are_told_from_good_ones_and_from_none() -> None:
    asked = [QUERY.model_copy(update={"name": name}) for name in ("good", "beyond", "nan", "unasked")]
    answers = {"good": Answer(START, 1.5), "beyond": Answer(START, 9.0), "nan": Answer(START, nan)}

    found = queries_beyond(asked, answers)

    assert {"good": False, "beyond": True, "nan": None} == found
    assert {"good": 0, "beyond": 1} == note_answers(window(), found).streaks


def test_who_waits_learns_how_many_are_needed_and_until_when() -> None:
    found = verdict(window(forwarding=sent(ok=20)), ERRORS)

    assert (20, 100) == (found.requests, found.needed)
    assert after(5 * NOW_S) == found.eta


def test_a_breach_that_may_be_chance_tells_how_many_good_requests_would_end_it() -> None:
    found = verdict(window(forwarding=sent(ok=197, error=3)), ERRORS)

    assert (Verdict.UNKNOWN, 300) == (found.verdict, found.needed)


def test_the_form_in_status_is_small() -> None:
    found = verdict(window(forwarding=sent(ok=900, error=100)), ERRORS)
    written = verdict_status(replace(found, message="x" * 999))

    assert ("it", "FAIL", "10%", "1%", 1000) == tuple(
        written[key] for key in ("name", "verdict", "value", "limit", "requests")
    )
    assert 200 == len(written["message"])
