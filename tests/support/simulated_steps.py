"""Steps of a rollout drawn by chance: what an unchanged or a changed canary would have its pods count, look by look.

Used by `verify.statistics` and by its short form among the unit tests. Everything is judged by the very functions the operator uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankmodel_operator.core.analysis.latency import in_common_bins, is_beyond_stable, quantile
from bankmodel_operator.core.analysis.rates import exceeds
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.shift import compare, is_real
from support.pod_counts import LATENCY_EDGES, SCORE_EDGES

__all__ = [
    "UNCHANGED",
    "Story",
    "drawn_latency",
    "failing_shift",
    "first_time",
    "looks",
    "passing_latency",
    "passing_shift",
    "psi_beyond",
    "rate_exceeded",
    "shifted",
    "slower",
    "until",
]

Numbers = NDArray[Any]
Random = np.random.Generator
Edges = tuple[float, ...]
Story = Callable[[Random, int], Iterator[tuple[int, bool]]]
"""So many requests in all; yields how many there were at each look, and what the look says."""


def _beta_shares(one: float, other: float) -> Numbers:
    """Shares of the 20 bins for scores with about a beta distribution."""
    middles = (np.arange(20) + 0.5) / 20
    density = middles ** (one - 1) * (1 - middles) ** (other - 1)
    return np.asarray(density / density.sum())


UNCHANGED = _beta_shares(2, 5)


def shifted(psi: float) -> Numbers:
    """Shares with this PSI to UNCHANGED: the same shape, moved to the right."""
    return next(found for one in np.arange(2, 8, 0.002) if _psi(found := _beta_shares(one, 5)) >= psi)


def _psi(shares: Numbers) -> float:
    return float(((shares - UNCHANGED) * np.log(shares / UNCHANGED)).sum())


def looks(total: int, count: int) -> list[int]:
    """At so many requests one looks: half of the looks early and closely, half evenly."""
    early, even = np.geomspace(1, total, count // 2), np.linspace(1, total, count // 2)
    return sorted({round(float(each)) for each in (*early, *even)})


def first_time(story: Iterator[tuple[int, bool]]) -> int | None:
    """At how many requests it is said for the first time; None: never."""
    return next((total for total, is_said in story if is_said), None)


def until(story: Story, total: int, *, steps: int, seed: int) -> list[int | None]:
    """The same for so many steps."""
    random = np.random.default_rng(seed)
    return [first_time(story(random, total)) for _ in range(steps)]


def rate_exceeded(rate: float, limit: float, alpha: float, *, count: int = 200) -> Story:
    """Failed requests at this rate."""

    def story(random: Random, total: int) -> Iterator[tuple[int, bool]]:
        events = 0
        for before, after in pairwise((0, *looks(total, count))):
            events += int(random.binomial(after - before, rate))
            yield after, exceeds(events, after, limit, alpha)

    return story


def drawn_latency(random: Random, total: int, around_s: float = 0.002, edges: Edges = LATENCY_EDGES) -> Histogram:
    """So many requests: about a log-normal with a tail, as scoring has."""
    seconds = around_s * np.exp(random.normal(0, 0.6, total))
    counts = np.bincount(np.searchsorted(edges, seconds, side="left"), minlength=len(edges) + 1)
    return Histogram(edges, tuple(map(int, counts)))


def slower(
    factor: float,
    share: float,
    ratio: float,
    alpha: float,
    *,
    of_stable: int = 3,
    count: int = 60,
    edges: tuple[Edges, Edges] = (LATENCY_EDGES, LATENCY_EDGES),
) -> Story:
    """The canary takes this many times longer; the stable answers so many times as many requests, around a time between 0.2 and
    50 ms that is another in each step: where it lies between two edges matters. `edges`: the canary's and the stable's."""

    def story(random: Random, total: int) -> Iterator[tuple[int, bool]]:
        around_s = float(np.exp(random.uniform(np.log(0.0002), np.log(0.05))))
        mine, theirs = (drawn_latency(random, 0, edges=each) for each in edges)
        for before, after in pairwise((0, *looks(total, count))):
            mine = mine.plus(drawn_latency(random, after - before, factor * around_s, edges[0]))
            theirs = theirs.plus(drawn_latency(random, of_stable * (after - before), around_s, edges[1]))
            yield after, is_beyond_stable(mine, theirs, share, ratio, alpha=alpha)

    return story


def failing_shift(
    shares: Numbers, limit: float | None, alpha: float, *, baseline: int | None, count: int = 80
) -> Story:
    """Scores of these shares against a card of so many scores, or (None) against the stable's, three times as many, in the same step.

    `limit` None: any shift that is said to be real counts.
    """

    def judge(canary: Histogram, other: Histogram) -> bool:
        shift = compare(canary, other)
        if shift is None or (limit is not None and shift.beyond_chance <= limit):
            return False
        return is_real(canary, other, alpha, is_baseline_earlier=baseline is not None)

    return partial(_scored, shares, judge, baseline=baseline, count=count)


def psi_beyond(limit: float, *, baseline: int | None, count: int = 80, least: int = 50) -> Story:
    """What is usually done: the observed PSI of unchanged scores against the limit, from so many scores on."""

    def judge(canary: Histogram, other: Histogram) -> bool:
        shift = compare(canary, other)
        return shift is not None and canary.total >= least and shift.psi > limit

    return partial(_scored, UNCHANGED, judge, baseline=baseline, count=count)


def _scored(
    shares: Numbers,
    judge: Callable[[Histogram, Histogram], bool],
    random: Random,
    total: int,
    *,
    baseline: int | None,
    count: int,
) -> Iterator[tuple[int, bool]]:
    card = np.zeros(20, dtype=int) if baseline is None else random.multinomial(baseline, UNCHANGED)
    scores = np.zeros(20, dtype=int)
    for before, after in pairwise((0, *looks(total, count))):
        scores = scores + random.multinomial(after - before, shares)
        if baseline is None:
            card = card + random.multinomial(3 * (after - before), UNCHANGED)
        yield after, judge(_scores(scores), _scores(card))


def passing_latency(
    random: Random,
    requests: int,
    share: float,
    ratio: float,
    *,
    factor: float = 1.0,
    edges: tuple[Edges, Edges] = (LATENCY_EDGES, LATENCY_EDGES),
) -> bool:
    """Whether the canary's observed quantile is within the ratio, at 5 % of the requests."""
    around_s = float(np.exp(random.uniform(np.log(0.0002), np.log(0.05))))
    canary = drawn_latency(random, requests, factor * around_s, edges[0])
    common = in_common_bins(canary, drawn_latency(random, 19 * requests, around_s, edges[1]))
    if common is None:
        return False
    mine, theirs = (quantile(each, share) for each in common)
    return mine is not None and theirs is not None and mine <= ratio * theirs


def passing_shift(random: Random, requests: int, shares: Numbers, limit: float, *, baseline: int) -> bool:
    """Whether what is left of the PSI without chance is within the limit."""
    card = _scores(random.multinomial(baseline, UNCHANGED))
    shift = compare(_scores(random.multinomial(requests, shares)), card)
    return shift is not None and shift.beyond_chance <= limit


def _scores(counts: Numbers) -> Histogram:
    return Histogram(SCORE_EDGES, (0, *(int(count) for count in counts), 0))
