"""The bounds: what they say in single cases, and by simulation that they keep their promise at all looks together.

The simulations are the short form of `verify.statistics`, with fixed seeds.
"""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, strategies as st

from bankmodel_operator.core.analysis import latency
from bankmodel_operator.core.analysis.rates import bounds, exceeds
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.shift import compare, is_real
from support import simulated_steps as simulated
from support.pod_counts import LATENCY_EDGES, OLDER_EDGES

ALPHA = 0.05


@pytest.mark.parametrize(
    ("events", "trials", "expected"),
    [
        pytest.param(1, 20, False, id="one in twenty"),
        pytest.param(2, 2, False, id="two of two may be a blip"),
        pytest.param(3, 3, True, id="three of three"),
        pytest.param(4, 100, False, id="four in a hundred"),
        pytest.param(8, 100, True, id="eight in a hundred"),
        pytest.param(0, 0, False, id="nothing"),
        pytest.param(10, 1000, False, id="exactly the limit"),
    ],
)
def test_a_rate_exceeds_one_percent(events: int, trials: int, expected: bool) -> None:
    assert expected == exceeds(events, trials, 0.01, ALPHA)


def test_without_requests_every_rate_is_possible() -> None:
    assert (0.0, 1.0) == (bounds(0, 0, ALPHA).lower, bounds(0, 0, ALPHA).upper)


@given(st.integers(1, 10**6), st.floats(0, 1), st.sampled_from([0.05, 0.01, 0.003]))
def test_bounds_hold_what_was_seen_and_agree_with_the_test(trials: int, share: float, alpha: float) -> None:
    events = round(share * trials)
    between = bounds(events, trials, alpha)

    assert 0 <= between.lower <= events / trials <= between.upper <= 1
    if events >= 3:
        assert exceeds(events, trials, between.lower * 0.999, alpha) or between.lower == 0
        assert not exceeds(events, trials, min(between.lower * 1.001 + 1e-12, 1.0), alpha)


@given(st.integers(1, 1000), st.integers(0, 1000), st.floats(0.001, 0.5))
def test_a_further_error_never_helps(trials: int, events: int, limit: float) -> None:
    events = min(events, trials)

    assert exceeds(events + 1, trials + 1, limit, ALPHA) or not exceeds(events, trials, limit, ALPHA)


def test_a_finer_histogram_is_read_in_the_bins_of_the_coarser_one() -> None:
    fine, coarse = Histogram((0.001, 0.002, 0.01, 0.1), (5, 4, 3, 2, 1)), Histogram((0.002, 0.1), (7, 8, 9))

    assert (Histogram((0.002, 0.1), (9, 5, 1)), coarse) == latency.in_common_bins(fine, coarse)
    assert (coarse, Histogram((0.002, 0.1), (9, 5, 1))) == latency.in_common_bins(coarse, fine)


def test_bins_whose_edges_are_not_among_the_others_are_not_compared() -> None:
    assert latency.in_common_bins(Histogram((0.001, 0.003), (1, 1, 1)), Histogram((0.002, 0.1, 0.2), (1,) * 4)) is None


def test_the_bins_of_older_images_are_among_the_present_ones() -> None:
    assert {*OLDER_EDGES} < {*LATENCY_EDGES}


TIMES = Histogram((0.001, 0.01, 0.1), (50, 40, 9, 1))


@pytest.mark.parametrize(("share", "expected"), [(0.25, 0.0005), (0.5, 0.001), (0.7, 0.0055), (0.999, inf)], ids=str)
def test_a_quantile_is_read_by_straight_lines(share: float, expected: float) -> None:
    assert expected == pytest.approx(latency.quantile(TIMES, share))


def test_the_quantile_of_nothing_is_none() -> None:
    assert latency.quantile(Histogram((1.0,), (0, 0)), 0.5) is None


@pytest.mark.parametrize(
    ("limit", "surely", "possibly"),
    [(0.001, 50, 50), (0.01, 10, 10), (0.02, 1, 10), (0.1, 1, 1), (0.5, 0, 1), (0.0001, 50, 100)],
    ids=str,
)
def test_only_whole_bins_are_surely_above(limit: float, surely: int, possibly: int) -> None:
    assert (surely, possibly) == (latency.surely_above(TIMES, limit), latency.possibly_above(TIMES, limit))


def test_equal_samples_have_no_shift_beyond_chance() -> None:
    one = Histogram((0.5,), (500, 500))
    found = compare(one, one)

    assert found is not None
    assert (0.0, 0.0) == (found.psi, found.beyond_chance)
    assert not is_real(one, one, ALPHA, is_baseline_earlier=True)


def test_scores_where_the_baseline_never_was_are_a_shift() -> None:
    baseline, scores = Histogram((0.3, 0.6), (1000, 1000, 0)), Histogram((0.3, 0.6), (0, 0, 60))

    assert is_real(scores, baseline, ALPHA, is_baseline_earlier=True)
    assert is_real(scores, baseline, ALPHA, is_baseline_earlier=False)


@given(
    st.lists(st.integers(0, 10**6), min_size=22, max_size=22), st.lists(st.integers(0, 10**6), min_size=22, max_size=22)
)
def test_any_two_histograms_can_be_compared(one: list[int], other: list[int]) -> None:
    edges = tuple(index / 20 for index in range(21))
    scores, baseline = Histogram(edges, tuple(one)), Histogram(edges, tuple(other))
    found = compare(scores, baseline)

    assert found is None or found.psi >= 0
    for is_earlier in (True, False):
        assert is_real(scores, baseline, ALPHA, is_baseline_earlier=is_earlier) in (True, False)


UNCHANGED: dict[str, tuple[simulated.Story, int, int]] = {
    "errors at the limit": (simulated.rate_exceeded(0.01, 0.01, ALPHA), 10_000, 300),
    "latency at the limit": (simulated.slower(1.5, 0.95, 1.5, ALPHA, count=20), 2_000, 60),
    "latency at the limit, an older image": (
        simulated.slower(1.5, 0.95, 1.5, ALPHA, count=20, edges=(LATENCY_EDGES, OLDER_EDGES)),
        2_000,
        60,
    ),
    "scores, small card": (
        simulated.failing_shift(simulated.UNCHANGED, None, ALPHA, baseline=2_000, count=30),
        5_000,
        60,
    ),
    "scores, large card": (
        simulated.failing_shift(simulated.UNCHANGED, None, ALPHA, baseline=100_000, count=30),
        5_000,
        60,
    ),
    "scores, stable": (simulated.failing_shift(simulated.UNCHANGED, None, ALPHA, baseline=None, count=30), 5_000, 60),
}


@pytest.mark.parametrize(("story", "total", "steps"), UNCHANGED.values(), ids=UNCHANGED)
def test_a_good_canary_is_hardly_ever_taken_back_by_chance(story: simulated.Story, total: int, steps: int) -> None:
    found = simulated.until(story, total, steps=steps, seed=1)

    assert sum(each is not None for each in found) <= ALPHA * steps


BAD: dict[str, tuple[simulated.Story, int]] = {
    "5 % errors": (simulated.rate_exceeded(0.05, 0.01, ALPHA, count=500), 600),
    "ten times slower": (simulated.slower(10, 0.95, 1.5, ALPHA), 600),
    "three times slower": (simulated.slower(3, 0.95, 1.5, ALPHA), 2_000),
    "PSI 0.5, small card": (simulated.failing_shift(simulated.shifted(0.5), 0.2, ALPHA, baseline=2_000), 600),
    "PSI 0.5, stable": (simulated.failing_shift(simulated.shifted(0.5), 0.2, ALPHA, baseline=None), 1_000),
}


@pytest.mark.parametrize(("story", "total"), BAD.values(), ids=BAD)
def test_a_bad_canary_is_found(story: simulated.Story, total: int) -> None:
    found = simulated.until(story, total, steps=30, seed=2)

    assert sum(each is not None for each in found) >= 27
