"""Bounds on a rate that hold however often one looks. Used by `judge`, `latency` and, for its bins, `shift`.

Method: the beta-binomial mixture (Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021; Lindon and Malek 2022). If each request
errs with probability p, the likelihood of what was seen under a mixture of all rates (Beta(1/2, 1/2)), divided by its likelihood under
p, is a martingale of mean 1. By Ville's inequality it ever reaches 1/alpha with probability at most alpha. So the rates for which
it stays below contain the true one at all looks together, with probability 1 - alpha (docs/analysis.md has an example).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, lgamma, log, log1p
from typing import Final

__all__ = [
    "Bounds",
    "bounds",
    "exceeds",
    "falls_short",
    "log_evidence",
    "requests_until_within",
]

_PRIOR: Final = 0.5
_HALVINGS: Final = 60
_FEWEST: Final = 3
"""Events before a rate can be said to exceed anything: the first request of all could, by the bound alone."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between these the rate is, at all looks together."""

    lower: float
    upper: float


def _log_beta(one: float, other: float) -> float:
    return lgamma(one) + lgamma(other) - lgamma(one + other)


def log_evidence(events: int, trials: int, rate: float) -> float:
    """How much, as a natural logarithm, what was seen speaks against this rate; inf where it rules the rate out."""
    others = trials - events
    if (events and rate <= 0.0) or (others and rate >= 1.0):
        return inf
    mixed = _log_beta(_PRIOR + events, _PRIOR + others) - _log_beta(_PRIOR, _PRIOR)
    return mixed - (events * log(rate) if events else 0.0) - (others * log1p(-rate) if others else 0.0)


def exceeds(events: int, trials: int, limit: float, alpha: float) -> bool:
    """Whether the rate is above the limit; wrongly said at any of all looks with probability alpha at most."""
    return events >= _FEWEST and events > limit * trials and log_evidence(events, trials, limit) >= -log(alpha)


def falls_short(events: int, trials: int, limit: float, alpha: float) -> bool:
    """Whether the rate is below the limit; as `exceeds`."""
    return events < limit * trials and log_evidence(events, trials, limit) >= -log(alpha)


def bounds(events: int, trials: int, alpha: float) -> Bounds:
    """The rates not ruled out. 0 to 1 without trials."""
    if trials <= 0:
        return Bounds(0.0, 1.0)
    seen, needed = events / trials, -log(alpha)

    def edge(outside: float) -> float:
        inside = seen
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if log_evidence(events, trials, middle) < needed:
                inside = middle
            else:
                outside = middle
        return outside

    return Bounds(edge(0.0), edge(1.0))


def requests_until_within(events: int, limit: float) -> int | None:
    """How many requests there must be before the rate is within the limit, if no further one errs; None: never."""
    if not events:
        return 0
    return ceil(events / limit - 1e-9) if limit > 0 else None
