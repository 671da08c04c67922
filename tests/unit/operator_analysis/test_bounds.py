"""The bounds to the digit: every formula of docs/analysis.md against values worked out by hand or by a search over all shares.

A bound that is a little off is noticed by no story: it only takes back too many good canaries, or finds bad ones too late.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, log

import pytest

from bankmodel_operator.core.analysis.latency import is_beyond_stable
from bankmodel_operator.core.analysis.rates import bounds, exceeds, falls_short, log_evidence, requests_until_within
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.shift import Shift, compare, is_real

ALPHA = 0.05


def least_alpha(says: Callable[[float], bool]) -> float:
    """The smallest error probability with which it is said at all."""
    silent, said = -200.0, 0.0  # exponents of e
    for _ in range(60):
        middle = (silent + said) / 2
        silent, said = (silent, middle) if says(exp(middle)) else (middle, said)
    return exp(said)


@pytest.mark.parametrize(
    ("events", "trials", "rate", "against"),
    [
        (0, 1, 0.5, 1.0),
        (1, 1, 0.5, 1.0),
        (1, 2, 0.5, 1 / 2),
        (2, 2, 0.5, 3 / 2),
        (2, 2, 1.0, 3 / 8),
        (0, 2, 0.0, 3 / 8),
        (3, 4, 0.25, 10 / 3),
    ],
)
def test_the_evidence_against_a_rate(events: int, trials: int, rate: float, against: float) -> None:
    assert log(against) == pytest.approx(log_evidence(events, trials, rate), abs=1e-12)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_that_cannot_have_given_this_is_ruled_out(rate: float) -> None:
    assert inf == log_evidence(1, 2, rate)


DOCUMENTED = {  # docs/analysis.md, and what is above and below everything
    (0, 100): (0.0, 0.057),
    (1, 20): (0.0002, 0.33),
    (3, 25): (0.01005, 0.40),
    (4, 100): (0.004, 0.14),
    (6, 100): (0.011, 0.17),
    (1, 1): (0.025, 1.0),
}


@pytest.mark.parametrize("seen", DOCUMENTED, ids=str)
def test_the_true_rate_is_between(seen: tuple[int, int]) -> None:
    found = bounds(*seen, ALPHA)

    assert DOCUMENTED[seen] == pytest.approx((found.lower, found.upper), rel=0.1, abs=5e-5)


@pytest.mark.parametrize("seen", [(1, 20), (4, 100), (300, 1000)], ids=str)
def test_at_its_bounds_a_rate_is_just_ruled_out(seen: tuple[int, int]) -> None:
    found = bounds(*seen, ALPHA)

    assert -log(ALPHA) == pytest.approx(log_evidence(*seen, found.lower))
    assert -log(ALPHA) == pytest.approx(log_evidence(*seen, found.upper))


def test_nothing_is_known_without_requests() -> None:
    assert (0.0, 1.0) == (bounds(0, 0, ALPHA).lower, bounds(0, 0, ALPHA).upper)


@pytest.mark.parametrize(
    ("seen", "is_above", "is_below"),
    [
        ((3, 4), True, False),
        ((2, 2), False, False),
        ((15, 100), True, False),
        ((5, 100), False, False),
        ((0, 150), False, True),
        ((0, 50), False, False),
        ((2, 1000), False, True),
        ((0, 0), False, False),
    ],
    ids=str,
)
def test_on_which_side_of_five_percent(seen: tuple[int, int], is_above: bool, is_below: bool) -> None:
    assert is_above == exceeds(*seen, 0.05, ALPHA)
    assert is_below == falls_short(*seen, 0.05, ALPHA)


@pytest.mark.parametrize("seen", [(20, 100), (300, 1000)], ids=str)
def test_a_rate_is_beyond_a_limit_that_the_evidence_rules_out(seen: tuple[int, int]) -> None:
    assert exp(-log_evidence(*seen, 0.05)) == pytest.approx(least_alpha(lambda alpha: exceeds(*seen, 0.05, alpha)))
    assert exp(-log_evidence(*seen, 0.6)) == pytest.approx(least_alpha(lambda alpha: falls_short(*seen, 0.6, alpha)))


def test_of_a_limit_of_nothing_three_are_beyond() -> None:
    assert exceeds(3, 100, 0.0, ALPHA)


@pytest.mark.parametrize(
    ("events", "limit", "expected"),
    [(0, 0.01, 0), (3, 0.01, 300), (1, 0.0, None), (0, 0.0, 0), (1, 1.0, 1), (40, 0.3, 134)],
)
def test_how_many_requests_a_pass_takes_if_no_further_one_fails(
    events: int, limit: float, expected: int | None
) -> None:
    assert expected == requests_until_within(events, limit)


EDGES = (0.001, 0.002, 0.004, 0.008)
FAST, SLOW = Histogram(EDGES, (100_000, 0, 0, 0, 0)), Histogram(EDGES, (0, 0, 0, 0, 1000))


def test_what_the_stable_takes_must_be_sure_with_half_of_alpha() -> None:
    stable = Histogram(EDGES, (150, 0, 0, 0, 0))
    found = least_alpha(lambda alpha: is_beyond_stable(SLOW, stable, 0.95, 1.5, alpha=alpha))

    assert 2 * exp(-log_evidence(0, 150, 0.05)) == pytest.approx(found)


def test_that_the_canary_takes_longer_must_be_sure_with_the_other_half() -> None:
    canary = Histogram(EDGES, (80, 0, 20, 0, 0))
    found = least_alpha(lambda alpha: is_beyond_stable(canary, FAST, 0.95, 1.5, alpha=alpha))

    assert 2 * exp(-log_evidence(20, 100, 0.05)) == pytest.approx(found)


@pytest.mark.parametrize(("ratio", "expected"), [(1.0, True), (1.5, False), (2.0, False)], ids=str)
def test_the_canary_is_compared_with_an_edge_that_few_of_the_stables_requests_are_above(
    ratio: float, expected: bool
) -> None:
    """One in ten of the stable's is above 1 ms, none above 2 ms; all of the canary's are between 2 and 4 ms."""
    stable, canary = Histogram(EDGES, (9000, 1000, 0, 0, 0)), Histogram(EDGES, (0, 0, 1000, 0, 0))

    assert expected == is_beyond_stable(canary, stable, 0.95, ratio, alpha=ALPHA)


def test_nothing_is_slower_than_a_stable_that_takes_longer_than_pods_measure() -> None:
    assert not is_beyond_stable(SLOW, SLOW, 0.95, 1.0, alpha=ALPHA)


def scores(*counts: int) -> Histogram:
    return Histogram(tuple(float(index) for index in range(len(counts) - 1)), counts)


def test_the_index_and_what_chance_gives_of_it() -> None:
    """A bin that is empty on both sides is none; one that is empty on one side is."""
    found = compare(scores(4, 30, 60, 0, 0, 6), scores(0, 100, 80, 20, 0, 0))

    assert found is not None
    assert (0.787124, 4 * (1 / 100 + 1 / 200), 0.1) == pytest.approx((found.psi, found.chance, found.outside))


@pytest.mark.parametrize(("psi", "chance", "left"), [(0.5, 0.2, 0.3), (0.01, 0.02, 0.0)], ids=["more", "less"])
def test_what_chance_gives_is_taken_off(psi: float, chance: float, left: float) -> None:
    assert left == pytest.approx(Shift(psi, chance, outside=0.0).beyond_chance)


def test_bins_of_another_number_are_not_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare(scores(1, 2), scores(1, 2, 3))


@pytest.mark.parametrize(
    "both", [(scores(0, 0), scores(5, 5)), (scores(5, 5), scores(0, 0))], ids=["of the canary", "of the baseline"]
)
def test_without_scores_there_is_no_shift(both: tuple[Histogram, Histogram]) -> None:
    assert compare(*both) is None
    assert not is_real(*both, 1.0, is_baseline_earlier=True)
    assert not is_real(*both, 1.0, is_baseline_earlier=False)


SURE: dict[str, tuple[Histogram, Histogram, float, float]] = {
    "a third instead of a half": (scores(30, 70), scores(500, 500), 0.2571215, 0.2711487),
    "nine tenths instead of a quarter": (scores(45, 5), scores(100, 300), 9.018561e-10, 2.098146e-10),
    "few of them": (scores(3, 17), scores(1500, 500), 1.278014e-4, 3.165307e-5),
    "none where there were most": (scores(0, 9), scores(60, 40), 0.2449055, 0.06955369),
    "the other half instead": (scores(0, 10, 60, 30), scores(0, 400, 500, 100), 7.619238e-5, 1.239793e-4),
    "where nothing was": (scores(1, 2, 3, 0, 14), scores(900, 50, 0, 50, 0), 2.253392e-17, 5.260998e-18),
}


@pytest.mark.parametrize("case", SURE)
def test_a_shift_is_real_with_this_error_probability(case: str) -> None:
    """Those of two bins are what a search over all shares gives, too: with a card and with the stable."""
    canary, baseline, *expected = SURE[case]
    found = [
        least_alpha(lambda alpha, is_card=is_card: is_real(canary, baseline, alpha, is_baseline_earlier=is_card))  # type: ignore[misc]
        for is_card in (True, False)
    ]

    assert expected == pytest.approx(found, rel=1e-6)
