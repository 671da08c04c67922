"""How far scores moved (population stability index), and whether that is more than chance. Used by `judge`.

PSI = sum (c_i - b_i) ln(c_i / b_i) over the bins' shares. With n and m scores and k bins, two samples of one and the same distribution
have a PSI of (k - 1)(1/n + 1/m) on average (Yurdakul and Naranjo 2020): that is taken off before it meets a limit.

Whether a shift is real is a test that holds at all looks together, and knows that the baseline is a sample, too:
1. With probability 1 - alpha/2 the baseline's true shares are in a region R. A card is one sample, looked at once: R is what Agrawal's
   bound (2020) on the likelihood ratio of a multinomial leaves. The stable's scores grow with every look: R is what the
   Dirichlet-multinomial mixture (Lindon and Malek 2022) leaves, which is `rates` for more bins than two.
2. By that mixture for the canary's scores, the shares under which those would be too surprising (alpha/2) are ruled out.
3. The shift is real if every member of R is ruled out. The member that explains the canary's scores best is a weighted mean of
   both samples, and found by bisection on the weight.
If there is no shift, then the true shares are in R but for alpha/2, and ruled out for alpha/2. Nothing is assumed about how the
two samples depend on each other: in the shadow rung they come from the same requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, lgamma, log
from typing import Final

from bankmodel_operator.core.analysis.samples import Histogram

__all__ = ["Shift", "compare", "is_real"]

_PRIOR: Final = 0.5
_HALVINGS: Final = 50
_STRENGTHS: Final = (8.0, 32.0, 128.0, 512.0)
"""How many scores' worth of belief that the canary scores like its baseline; the mixture has one part of each, and one of none."""


@dataclass(frozen=True, slots=True)
class Shift:
    """`psi`: as observed; `chance`: what no shift gives on average; `outside`: share of the canary's scores beyond the outer edges."""

    psi: float
    chance: float
    outside: float

    @property
    def beyond_chance(self) -> float:
        """What is left of it when chance is taken off; at least 0."""
        return max(self.psi - self.chance, 0.0)


def compare(canary: Histogram, baseline: Histogram) -> Shift | None:
    """The observed shift; None where one of them is empty. Both have the same edges."""
    total, other = canary.total, baseline.total
    if not total or not other:
        return None
    pairs = [(c, b) for c, b in zip(canary.counts, baseline.counts, strict=True) if c or b]
    ends = canary.counts[0] + canary.counts[-1]
    return Shift(
        psi=_psi(pairs, total, other),
        chance=(len(pairs) - 1) * (1 / total + 1 / other),
        outside=ends / total,
    )


def is_real(canary: Histogram, baseline: Histogram, alpha: float, *, is_baseline_earlier: bool) -> bool:
    """Whether scores moved at all; wrongly said at any of all looks with probability alpha at most.

    `is_baseline_earlier`: the baseline was complete before the canary's first score, as a card's is: then it needs no margin for looks,
    and is a fair guess of what to expect. A PSI of 0.5 against 2,000 scores is found with 250 instead of 400 (median).
    """
    seen, base = canary.counts, baseline.counts
    if not sum(seen) or not sum(base):
        return False
    needed = log(2 / alpha)
    if is_baseline_earlier:
        expected, least = _mixture(seen, base), _greatest(base) - _margin(len(base) - 1, needed)
    else:
        expected, least = _surprise(seen, [_PRIOR] * len(seen)), _surprise(base, [_PRIOR] * len(base)) - needed
    return expected - _best_likelihood(seen, base, least) >= needed


def _psi(pairs: Sequence[tuple[int, int]], total: int, other: int) -> float:
    """With half a score added to each bin, as an empty one has no logarithm."""
    size = len(pairs) * 0.5
    shares = (((c + 0.5) / (total + size), (b + 0.5) / (other + size)) for c, b in pairs)
    return sum((c - b) * log(c / b) for c, b in shares)


def _surprise(counts: Sequence[int], prior: Sequence[float]) -> float:
    """Logarithm of the probability of these scores, in their order, under a Dirichlet mixture."""
    total, weight = sum(counts), sum(prior)
    bins = sum(lgamma(a + count) - lgamma(a) for a, count in zip(prior, counts, strict=True) if count)
    return lgamma(weight) - lgamma(weight + total) + bins


def _mixture(seen: Sequence[int], base: Sequence[int]) -> float:
    """As `_surprise`, with priors around the baseline."""
    whole = sum(base) + _PRIOR * len(base)
    shares = [(count + _PRIOR) / whole for count in base]
    parts = [_surprise(seen, [strength * share for share in shares]) for strength in _STRENGTHS]
    parts.append(_surprise(seen, [_PRIOR] * len(seen)))
    greatest = max(parts)
    return greatest + log(sum(exp(part - greatest) for part in parts) / len(parts))


@cache
def _margin(freedom: int, needed: float) -> float:
    """By how much, at most, the observed shares are likelier than the true ones, but for a probability of exp(-needed)."""
    low, high = float(freedom), 20.0 * (freedom + needed)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle - freedom - freedom * log(middle / freedom) < needed:
            low = middle
        else:
            high = middle
    return high


def _greatest(counts: Sequence[int]) -> float:
    total = sum(counts)
    return _likelihood(counts, [count / total for count in counts])


def _best_likelihood(seen: Sequence[int], base: Sequence[int], least: float) -> float:
    """The greatest log-likelihood of `seen` under shares that give `base` at least the log-likelihood `least`.

    By Lagrange the best shares are those of seen + weight * base; the likelihood of base grows with the weight.
    """
    low, high = -12.0, 12.0  # exponents of e, relative to the sizes of both
    scale = sum(seen) / sum(base)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _likelihood(base, _blend(seen, base, scale * exp(middle))) >= least:
            high = middle
        else:
            low = middle
    # `low` is just outside of the region, or the whole way is inside: the likelihood there is an upper bound of the best inside.
    return _likelihood(seen, _blend(seen, base, scale * exp(low)))


def _blend(seen: Sequence[int], base: Sequence[int], weight: float) -> list[float]:
    whole = sum(seen) + weight * sum(base)
    return [(s + weight * b) / whole for s, b in zip(seen, base, strict=True)]


def _likelihood(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Shares are above 0 wherever something was counted."""
    return sum(count * log(share) for count, share in zip(counts, shares, strict=True) if count)
