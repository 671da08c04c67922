"""Figures of pods: what is added, what grew, and from where counting began anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bankmodel_operator.core.analysis.figures import Counts, Forwarding, counts_of, forwarding_of
from bankmodel_operator.core.analysis.samples import BinsDiffer, Histogram, Sample, grown, summed
from support.pod_counts import CANARY, STABLE, START

EDGES = (1.0, 2.0)


def bins(*counts: int) -> Histogram:
    return Histogram(EDGES, counts)


OTHER_BINS = Histogram((5.0,), (1, 1))
EARLIER = Counts(
    requests=10,
    errors=1,
    latency=bins(6, 3, 1),
    scores=bins(1, 1, 8),
    rows=20,
    missing={"income": 2, "term": 0},
)
LATER = Counts(
    requests=25,
    errors=3,
    latency=bins(15, 6, 4),
    scores=bins(2, 4, 19),
    rows=60,
    missing={"income": 7, "term": 0, "age": 1},
)
GROWTH = Counts(
    requests=15,
    errors=2,
    latency=bins(9, 3, 3),
    scores=bins(1, 3, 11),
    rows=40,
    missing={"income": 5, "term": 0, "age": 1},
)
NOTHING_NEW = Counts(latency=bins(0, 0, 0), scores=bins(0, 0, 0), missing={"income": 0, "term": 0, "age": 0})


def test_what_grew_and_what_was_before_are_what_is_now() -> None:
    assert GROWTH == LATER.since(EARLIER)
    assert LATER == EARLIER.plus(GROWTH)


def test_where_nothing_happened_nothing_grew() -> None:
    assert NOTHING_NEW == LATER.since(LATER)


def test_nothing_added_changes_nothing() -> None:
    assert LATER == LATER.plus(Counts()) == Counts().plus(LATER) == LATER.since(Counts())


BEGAN_ANEW: dict[str, tuple[Counts, Counts]] = {
    "fewer requests": (replace(LATER, requests=9), EARLIER),
    "fewer errors": (replace(LATER, errors=0), EARLIER),
    "fewer quick ones": (replace(LATER, latency=bins(5, 10, 10)), EARLIER),
    "other bins of time": (replace(LATER, latency=OTHER_BINS), EARLIER),
    "no times any more": (replace(LATER, latency=None), EARLIER),
}


@pytest.mark.parametrize(("now", "earlier"), BEGAN_ANEW.values(), ids=BEGAN_ANEW)
def test_where_a_count_fell_all_of_it_is_new(now: Counts, earlier: Counts) -> None:
    assert now == now.since(earlier)


def test_rows_scores_and_missing_values_may_begin_anew_alone() -> None:
    """Pods count them apart from requests: what fell of them says nothing of the others."""
    now = replace(LATER, rows=5, scores=bins(0, 0, 3), missing={"income": 1})

    assert replace(GROWTH, rows=5, scores=bins(0, 0, 3), missing={"income": 1}) == now.since(EARLIER)


def test_times_that_were_not_there_before_are_new() -> None:
    assert replace(GROWTH, latency=LATER.latency, scores=LATER.scores) == LATER.since(
        replace(EARLIER, latency=None, scores=None)
    )


MIXED: dict[str, tuple[Counts, Counts, bool]] = {
    "neither": (EARLIER, LATER, False),
    "the one": (replace(EARLIER, is_mixed=True), LATER, True),
    "the other": (EARLIER, replace(LATER, is_mixed=True), True),
    "other bins of time": (EARLIER, replace(LATER, latency=OTHER_BINS), True),
    "other bins of scores": (EARLIER, replace(LATER, scores=OTHER_BINS), True),
}


@pytest.mark.parametrize(("one", "other", "expected"), MIXED.values(), ids=MIXED)
def test_one_with_other_bins_is_enough_to_make_them_mixed(one: Counts, other: Counts, expected: bool) -> None:
    assert expected is one.plus(other).is_mixed


def test_the_mark_of_mixed_bins_does_not_go() -> None:
    assert replace(LATER, is_mixed=True).since(EARLIER).is_mixed


def test_of_bins_that_differ_the_first_are_kept() -> None:
    assert bins(6, 3, 1) == EARLIER.plus(replace(LATER, latency=OTHER_BINS)).latency


SENT_BEFORE = Forwarding({"ok": 5}, {"error": 1}, {"ok": 2}, 2, 1, bins(1, 1, 0), 7, {"age": 3})
SENT = Forwarding({"ok": 9, "error": 1}, {"error": 2}, {"ok": 6}, 6, 2, bins(4, 1, 1), 17, {"age": 5})
SENT_SINCE = Forwarding({"ok": 4, "error": 1}, {"error": 1}, {"ok": 4}, 4, 1, bins(3, 0, 1), 10, {"age": 2})


def test_what_was_sent_grows_and_adds_up_the_same_way() -> None:
    assert SENT_SINCE == SENT.since(SENT_BEFORE)
    assert SENT == SENT_BEFORE.plus(SENT_SINCE)
    assert SENT == SENT.plus(Forwarding()) == Forwarding().plus(SENT) == SENT.since(Forwarding())


def test_where_nothing_was_sent_nothing_grew() -> None:
    assert Forwarding(differences=bins(0, 0, 0)) == SENT.since(SENT)


def test_of_what_was_sent_each_count_begins_anew_by_itself() -> None:
    now = replace(SENT, compared=1, flips=0, awaited=3, attempts={"ok": 4})

    assert replace(SENT_SINCE, compared=1, flips=0, awaited=3, attempts={"ok": 4}) == now.since(SENT_BEFORE)


def seen(**fields: Any) -> Sample:
    return Sample(START, STABLE, **fields)


def test_a_pod_that_counted_nothing_says_nothing() -> None:
    assert Counts() == counts_of(seen())
    assert Forwarding() == forwarding_of(seen(), CANARY)


def test_a_pods_own_requests_are_those_of_all_routes_but_what_it_handed_on() -> None:
    sample = seen(
        requests={"stable": 5, "peer": 3, "shadow": 2, "canary": 90},
        errors={"stable": 1, "canary": 80},
        latency={"stable": bins(5, 0, 0), "peer": bins(0, 3, 0), "canary": bins(0, 0, 90)},
        scores=bins(1, 2, 3),
        rows=11,
        missing={"age": 4},
    )

    assert Counts(10, 1, bins(5, 3, 0), bins(1, 2, 3), 11, {"age": 4}) == counts_of(sample)


@pytest.mark.parametrize("route", ["stable", "peer", "shadow"])
def test_routes_with_other_bins_are_mixed(route: str) -> None:
    times = {each: bins(1, 0, 0) for each in ("stable", "peer", "shadow")} | {route: OTHER_BINS}

    assert counts_of(seen(requests=dict.fromkeys(times, 1), latency=times)).is_mixed


def test_of_all_that_was_sent_what_went_to_this_canary_counts() -> None:
    sample = seen(
        attempts={CANARY: {"ok": 1}, "before": {"ok": 9}},
        fallbacks={CANARY: {"error": 2}, "before": {"error": 9}},
        copies={CANARY: {"ok": 3}},
        compared={CANARY: 4, "before": 9},
        flips={CANARY: 5},
        differences={CANARY: bins(6, 0, 0)},
        awaited=7,
        absent={"age": 8},
    )
    expected = Forwarding({"ok": 1}, {"error": 2}, {"ok": 3}, 4, 5, bins(6, 0, 0), 7, {"age": 8})

    assert expected == forwarding_of(sample, CANARY)
    assert (0, 0) == (forwarding_of(sample, "next").compared, forwarding_of(sample, "next").flips)


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        ({"a": 5}, {"a": 3}, {"a": 2}),
        ({"a": 5}, {"a": 5}, {}),
        ({"a": 5}, {"a": 6}, {"a": 5}),
        ({"a": 5}, {}, {"a": 5}),
        ({"a": 0}, {}, {}),
        ({}, {"a": 5}, {}),
    ],
    ids=["more", "as many", "fewer", "new", "none", "gone"],
)
def test_how_much_a_tally_grew(now: dict[str, int], then: dict[str, int], expected: dict[str, int]) -> None:
    assert expected == grown(now, then)


def test_tallies_add_up_by_name() -> None:
    assert {"a": 1, "b": 5, "c": 4} == summed({"a": 1, "b": 2}, {"b": 3, "c": 4})


def test_histograms_add_up_bin_by_bin() -> None:
    assert bins(3, 5, 7) == bins(1, 2, 3).plus(bins(2, 3, 4))
    assert bins(1, 1, 1) == bins(3, 4, 5).since(bins(2, 3, 4))
    assert bins(3, 4, 5) == bins(3, 4, 5).since(None) == bins(3, 4, 5).since(bins(4, 0, 0))
    with pytest.raises(BinsDiffer):
        bins(1, 2, 3).plus(OTHER_BINS)


@pytest.mark.parametrize(("counts", "expected"), [((2, 3, 4), False), ((2, 3, 5), True), ((1, 1, 1), False)], ids=str)
def test_a_histogram_began_anew_where_one_bin_fell(counts: tuple[int, ...], expected: bool) -> None:
    assert expected is bins(2, 3, 4).fell_below(bins(*counts))


def test_a_histogram_with_a_bin_too_few_is_an_error() -> None:
    short = Histogram(EDGES, (1, 2))

    for combined in (bins(1, 2, 3).plus, bins(1, 2, 3).since, bins(1, 2, 3).fell_below):
        with pytest.raises(ValueError, match="zip"):
            combined(short)
