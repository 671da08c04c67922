"""Latency limits as statements on rates: a quantile is within a limit if few enough requests take longer. Used by `judge`.

FAIL is careful about the bins of the pods' histograms: only requests whose whole bin lies above the limit are sure to be above it. The
limit relative to the stable first finds a time that the stable's quantile is below for sure (anytime-valid, half of alpha), and then asks
whether the canary's is above that time's multiple (the other half). Since counts above an edge only shrink from edge to
edge, the smallest edge may be picked by the data: a wrong one needs a wrong bound at the last edge below the true
quantile, which is one edge, not many. Each histogram is read in its own bins for that, so that they need not be the same.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from math import inf

from bankmodel_operator.core.analysis.rates import exceeds, falls_short
from bankmodel_operator.core.analysis.samples import Histogram

__all__ = ["in_common_bins", "is_beyond", "is_beyond_stable", "possibly_above", "quantile", "surely_above"]

_ROUNDING = 1e-9


def quantile(histogram: Histogram, share: float) -> float | None:
    """The observed quantile in seconds, straight lines within bins, as dashboards show it; inf above all edges; None of nothing."""
    total = histogram.total
    if not total:
        return None
    wanted = share * total
    reached = list(accumulate(histogram.counts))
    at = bisect_left(reached, wanted)
    if at >= len(histogram.edges):
        return inf
    low = histogram.edges[at - 1] if at else 0.0
    before = reached[at] - histogram.counts[at]
    return low + (histogram.edges[at] - low) * (wanted - before) / histogram.counts[at]


def in_common_bins(one: Histogram, other: Histogram) -> tuple[Histogram, Histogram] | None:
    """Both in the bins of the one that has fewer, as an older serving image may; None where those are not among the other's.

    A straight line within a wide bin is wrong by up to that bin's width: compared with a quantile from narrow bins it would call a
    canary of twice the time as fast as the stable, or the other way round.
    """
    edges = min(one.edges, other.edges, key=len)
    if not {*edges} <= {*one.edges} & {*other.edges}:
        return None
    return _coarsened(one, edges), _coarsened(other, edges)


def _coarsened(histogram: Histogram, edges: tuple[float, ...]) -> Histogram:
    reached = dict(zip(histogram.edges, accumulate(histogram.counts), strict=False))
    upto = (0, *(reached[edge] for edge in edges), histogram.total)
    return Histogram(edges, tuple(after - before for before, after in pairwise(upto)))


def surely_above(histogram: Histogram, limit: float) -> int:
    """Requests whose bin lies above the limit as a whole."""
    first = bisect_left(histogram.edges, limit * (1 - _ROUNDING))
    return sum(histogram.counts[first + 1 :])


def possibly_above(histogram: Histogram, limit: float) -> int:
    """Requests whose bin reaches above the limit."""
    first = bisect_left(histogram.edges, limit * (1 + _ROUNDING))
    return sum(histogram.counts[first:])


def is_beyond(histogram: Histogram, share: float, limit: float, alpha: float) -> bool:
    """Whether the quantile is above the limit; wrongly said at any look with probability alpha at most."""
    return exceeds(surely_above(histogram, limit), histogram.total, 1 - share, alpha)


def is_beyond_stable(canary: Histogram, stable: Histogram, share: float, ratio: float, *, alpha: float) -> bool:
    """Whether the canary's quantile is above the stable's by more than this factor; as `is_beyond`."""
    ceiling = _ceiling(stable, share, alpha / 2)
    return ceiling is not None and is_beyond(canary, share, ratio * ceiling, alpha / 2)


def _ceiling(histogram: Histogram, share: float, alpha: float) -> float | None:
    """The smallest edge that the true quantile is not above, for sure; None: there is none yet."""
    total, above = histogram.total, histogram.total
    for edge, count in zip(histogram.edges, histogram.counts, strict=False):
        above -= count
        if falls_short(above, total, 1 - share, alpha):
            return edge
    return None
