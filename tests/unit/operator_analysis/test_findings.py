"""What single checks find: what there is to compare at all, limits at their very edge, and the sentences people get."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import checks as api
from bankmodel_operator.core.analysis.figures import Counts, Forwarding
from bankmodel_operator.core.analysis.findings import Finding
from bankmodel_operator.core.analysis.rates import bounds
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.verdicts import Rung, Verdict
from bankmodel_operator.core.analysis.window import Window
from support.judging import check, counts, latency, sent, verdict, window
from support.pod_counts import SCORE_EDGES

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
ERRORS = check(errorRate={"max": "1%"})
FLIPS = check(decisionFlips={"max": "2%"})
MISSING = check(missingRate={"max": "5%"})
SLOW = check(latency={"quantile": "0.9", "max": "25ms"})
RATIO = check(latency={"quantile": "0.95", "maxRatioToStable": "1"})
BOTH = check(latency={"quantile": "0.9", "max": "25ms", "maxRatioToStable": "1"})
CARD = check(scoreShift={"against": "Card", "maxPSI": "0.2"})
LIKE_STABLE = check(scoreShift={"against": "Stable", "maxPSI": "0.2"})
EVEN = Histogram(SCORE_EDGES, (0, *[50] * 20, 0))


def scores(low: int, below: int, above: int, high: int) -> Histogram:
    """So many in the lower half of the bins and in the upper; `low` and `high` are beyond all bins."""
    return Histogram(SCORE_EDGES, (low, *[below // 10] * 10, *[above // 10] * 10, high))


def test_what_could_not_be_compared_is_neither_within_nor_proven() -> None:
    nothing = Finding("nothing was counted", "NoData")

    assert (False, False, 0) == (nothing.is_within, nothing.is_proven, nothing.requests)


def scored(canary: Histogram, baseline: Histogram | None = EVEN, /, **mixed: bool) -> Window:
    """With the same baseline in the card and of the stable."""
    return window(
        of_canary=counts(scores=canary, is_mixed=mixed.get("canary", False)),
        of_stable=counts(scores=baseline, is_mixed=mixed.get("stable", False)),
        baseline=baseline,
    )


NO_TIMES = latency()
FEW = Histogram(SCORE_EDGES, (0, *[5] * 20, 0))
TENTH, MORE = scores(60, 450, 450, 40), scores(60, 450, 440, 50)
USUAL = latency(ms_1=980, ms_50=20)
COMPARED: dict[str, tuple[Window, api.Check, Verdict, str]] = {
    "no copy yet": (window(forwarding=Forwarding()), FLIPS, UNKNOWN, "NoData"),
    "inputs that nobody named": (window(of_canary=counts(rows=1000, missing={"a": 0, "b": 200})), MISSING, FAIL, "LimitExceeded"),
    "no inputs": (window(of_canary=counts(rows=1000)), MISSING, UNKNOWN, "InputsNotCounted"),
    "nothing took any time": (window(of_canary=counts(latency=NO_TIMES)), SLOW, UNKNOWN, "NoData"),
    "no time at all": (window(of_canary=counts(latency=None)), SLOW, UNKNOWN, "NoData"),
    "nothing took any time, by ratio": (window(of_canary=counts(latency=NO_TIMES)), RATIO, UNKNOWN, "NoData"),
    "no time at all, by ratio": (window(of_canary=counts(latency=None)), RATIO, UNKNOWN, "NoData"),
    "mixed bins of time": (window(of_canary=counts(is_mixed=True)), SLOW, UNKNOWN, "DifferingBins"),
    "mixed bins of the canary, by ratio": (window(of_canary=counts(is_mixed=True)), RATIO, UNKNOWN, "DifferingBins"),
    "mixed bins of the stable, by ratio": (window(of_stable=counts(is_mixed=True)), RATIO, UNKNOWN, "DifferingBins"),
    "mixed bins of the stable, by a limit": (window(of_stable=counts(is_mixed=True)), SLOW, PASS, "WithinLimit"),
    "the stable has too few": (window(of_stable=counts(99)), RATIO, UNKNOWN, "StableTooFew"),
    "the stable has enough": (window(of_stable=counts(100)), RATIO, PASS, "WithinLimit"),
    "the stable is beyond all bins": (
        window(of_stable=counts(latency=Histogram(NO_TIMES.edges, (*NO_TIMES.counts[:-1], 1000)))), RATIO, UNKNOWN, "BeyondBins"
    ),
    "no scores of either": (scored(Histogram(SCORE_EDGES, (0,) * 22), None), CARD, UNKNOWN, "NoScores"),
    "no scores of the stable": (scored(EVEN, None), LIKE_STABLE, UNKNOWN, "NoScoresOfStable"),
    "no score of the stable yet": (scored(EVEN, Histogram(SCORE_EDGES, (0,) * 22)), LIKE_STABLE, UNKNOWN, "NoScoresOfStable"),
    "a card without a score": (scored(EVEN, Histogram(SCORE_EDGES, (0,) * 22)), CARD, UNKNOWN, "NoBaseline"),
    "enough scores of the stable": (scored(EVEN, FEW), LIKE_STABLE, PASS, "WithinLimit"),
    "too few of the stable": (scored(EVEN, Histogram(SCORE_EDGES, (0, *[4] * 20, 0))), LIKE_STABLE, UNKNOWN, "StableTooFew"),
    "a card of as few": (scored(EVEN, Histogram(SCORE_EDGES, (0, *[4] * 20, 0))), CARD, PASS, "WithinLimit"),
    "other bins than the stable": (scored(EVEN, Histogram((0.5,), (500, 500))), LIKE_STABLE, UNKNOWN, "DifferingBins"),
    "mixed bins of its scores": (scored(EVEN, canary=True), LIKE_STABLE, UNKNOWN, "DifferingBins"),
    "mixed bins of the stable's scores": (scored(EVEN, stable=True), LIKE_STABLE, UNKNOWN, "DifferingBins"),
    "mixed bins of the stable's, by a card": (scored(EVEN, stable=True), CARD, PASS, "WithinLimit"),
    "a tenth outside": (scored(TENTH, TENTH), CARD, PASS, "WithinLimit"),
    "more than that outside": (scored(MORE, MORE), CARD, UNKNOWN, "ScoresOutside"),
    "outside, and proven": (scored(scores(0, 10, 90, 900)), CARD, FAIL, "LimitExceeded"),
    "moved, and not proven": (scored(scores(0, 20, 80, 0)), check(scoreShift={"against": "Card", "maxPSI": "0.1"}), UNKNOWN, "NotYetCertain"),
    "moved for sure, but not far": (
        scored(scores(0, 90_000, 110_000, 0), scores(0, 100_000, 100_000, 0)), CARD, PASS, "WithinLimit"
    ),
    "copies that were refused": (window(forwarding=Forwarding(copies={"refused": 9})), ERRORS, UNKNOWN, "Refused"),
    "requests that were refused, and no copy": (window(forwarding=Forwarding(attempts={"refused": 9})), ERRORS, UNKNOWN, "NoData"),
    "as slow as allowed": (window(of_canary=counts(latency=latency(ms_25=900, ms_50=100))), SLOW, PASS, "WithinLimit"),
    "one slower than that": (window(of_canary=counts(latency=latency(ms_25=899, ms_50=101))), SLOW, UNKNOWN, "NotYetCertain"),
    "exactly as fast as the stable": (window(of_stable=counts(1000)), RATIO, PASS, "WithinLimit"),
    "fast, but slower than the stable": (window(of_canary=counts(latency=latency(ms_10=1000))), BOTH, FAIL, "LimitExceeded"),
    "as the stable, but slow": (
        window(of_canary=counts(latency=latency(ms_50=1000)), of_stable=counts(latency=latency(ms_50=1000))), BOTH, FAIL, "LimitExceeded"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "given", "expected", "reason"), COMPARED.values(), ids=COMPARED)
def test_what_is_compared(seen: Window, given: api.Check, expected: Verdict, reason: str) -> None:
    found = verdict(seen, given, Rung.SHADOW)

    assert (expected, reason) == (found.verdict, found.reason)


BETWEEN = check(latency={"quantile": "0.9", "max": "22ms"})
EDGE: dict[str, tuple[dict[str, int], str]] = {
    "as many perhaps above as may be": ({"ms_20": 900, "ms_25": 100}, "WithinLimit"),
    "one more perhaps": ({"ms_20": 899, "ms_25": 101}, "LimitBetweenEdges"),
    "as many surely above as may be, more perhaps": ({"ms_20": 800, "ms_25": 100, "ms_50": 100}, "LimitBetweenEdges"),
    "one more surely": ({"ms_20": 799, "ms_25": 100, "ms_50": 101}, "NotYetCertain"),
}


@pytest.mark.parametrize(("times", "reason"), EDGE.values(), ids=EDGE)
def test_a_limit_between_two_edges(times: dict[str, int], reason: str) -> None:
    assert reason == verdict(window(of_canary=counts(latency=latency(**times))), BETWEEN).reason


RANGES: dict[str, tuple[Window, api.Check, tuple[int, int], int]] = {
    "errors": (window(forwarding=sent(ok=96, error=4)), ERRORS, (4, 100), 1),
    "one input": (window(of_canary=counts(rows=1000, missing={"a": 20})), MISSING, (20, 1000), 1),
    "the first of two inputs": (window(of_canary=counts(rows=1000, missing={"a": 20, "b": 20})), MISSING, (20, 1000), 2),
    "a batch ahead of the rows": (window(of_canary=counts(rows=10, missing={"a": 20})), MISSING, (20, 20), 1),
    "a limit of time": (window(of_canary=counts(latency=latency(ms_25=980, ms_50=20))), SLOW, (20, 1000), 1),
    "a limit of time, and a ratio": (
        window(of_canary=counts(latency=USUAL), of_stable=counts(latency=USUAL)), BOTH, (20, 1000), 2
    ),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "given", "of", "parts"), RANGES.values(), ids=RANGES)
def test_every_part_of_a_check_has_its_share_of_the_error_probability(
    seen: Window, given: api.Check, of: tuple[int, int], parts: int
) -> None:
    found, expected = verdict(seen, given), bounds(*of, 0.05 / parts)

    assert of[0] == found.events
    assert (expected.lower, expected.upper) == pytest.approx((found.lower, found.upper))


TOLD: dict[str, tuple[Window, api.Check, dict[str, Any], str]] = {
    "failed requests": (
        window(forwarding=sent(error=100)), ERRORS, {"value": "100%", "limit": "1%", "requests": 100, "needed": 10_000},
        "100 of 100 requests failed: 100%, limit 1%; the true rate is between 94.3% and 100%",
    ),
    "nothing": (
        window(forwarding=sent()), ERRORS, {"value": "", "limit": "1%", "requests": 0}, "nothing was counted in this step yet"
    ),
    "refusals": (
        window(forwarding=sent(refused=7)), ERRORS, {"requests": 0}, "the canary's pods refused all 7 requests"
    ),
    "a slow one": (
        window(of_canary=counts(latency=latency(ms_25=880, ms_50=120))), SLOW,
        {"value": "41.7ms", "limit": "25ms", "requests": 1000, "needed": 1200}, "limit 25ms; 120 of 1000 took longer for sure",
    ),
    "between edges": (
        window(of_canary=counts(latency=latency(ms_20=800, ms_25=200))), BETWEEN, {"needed": None},
        "0 of 1000 took longer for sure, 200 perhaps: put the limit on an edge of the histogram",
    ),
    "a slower one": (
        window(of_canary=counts(latency=latency(ms_2=1000))), check(latency={"quantile": "0.5", "maxRatioToStable": "2.5"}),
        {"value": "1.75ms", "limit": "2.19ms", "needed": 100}, "the 0.5 quantile is 1.75ms, the stable's 0.875ms, limit 2.5 times that",
    ),
    "one that is proven slower, though it looks as fast": (
        window(of_canary=counts(latency=latency(ms_10=1000))), RATIO, {"needed": None}, "limit 1 times that",
    ),
    "no time": (
        window(of_canary=Counts(requests=100)), RATIO, {"limit": "1 x stable", "requests": 0}, "no latency was counted in this step yet"
    ),
    "a stable with few": (
        window(of_stable=counts(7)), RATIO, {"value": "0.988ms", "requests": 1000}, "7 of 100 requests of the stable to compare with"
    ),
    "a stable with none": (
        window(of_stable=Counts()), RATIO, {"requests": 1000}, "0 of 100 requests of the stable to compare with"
    ),
    "scores": (
        scored(scores(0, 500, 400, 100)), CARD, {"limit": "0.2", "requests": 1000, "needed": None}, "of 1000 scores against 1000"
    ),
    "scores outside": (
        scored(scores(60, 450, 440, 50)), check(scoreShift={"against": "Card", "maxPSI": "9"}), {"needed": None},
        "limit 9; 11% of the scores are outside of all bins",
    ),
    "few scores of the stable": (
        scored(EVEN, Histogram(SCORE_EDGES, (0, *[4] * 20, 0))), LIKE_STABLE, {"requests": 1000},
        "80 of 100 scores of the stable to compare with",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_what_people_are_told(case: str) -> None:
    seen, given, fields, sentence = TOLD[case]
    found = verdict(seen, given)

    assert sentence in found.message
    assert fields == {name: getattr(found, name) for name in fields}


def test_scores_within_the_bins_are_not_spoken_of() -> None:
    assert "outside" not in verdict(scored(EVEN), CARD).message
