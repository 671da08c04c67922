"""The part of a sample that a window keeps: what a pod answered itself, and what it sent to the canary. Used by `window`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bankmodel_operator.core.analysis.samples import BinsDiffer, Histogram, Sample, Tally, grown, growth_of, summed

__all__ = ["Counts", "Forwarding", "counts_of", "forwarding_of"]

_HANDED_ON = "canary"  # answered by a peer, and counted there


@dataclass(frozen=True, slots=True)
class Counts:
    """What pods of one revision answered themselves: callers, other pods, and copies.

    `missing` has a count for each input that is counted, 0 included. `is_mixed`: pods of this revision reported different bins, so
    that its histograms say nothing.
    """

    requests: int = 0
    errors: int = 0
    latency: Histogram | None = None
    scores: Histogram | None = None
    rows: int = 0
    missing: Tally = field(default_factory=dict)
    is_mixed: bool = False

    def plus(self, other: Counts) -> Counts:
        """Both together; where bins differ, those seen first are kept and the mark is set."""
        latency, latency_differs = _joined(self.latency, other.latency)
        scores, scores_differ = _joined(self.scores, other.scores)
        return Counts(
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            latency=latency,
            scores=scores,
            rows=self.rows + other.rows,
            missing=summed(self.missing, other.missing),
            is_mixed=self.is_mixed or other.is_mixed or latency_differs or scores_differ,
        )

    def since(self, earlier: Counts) -> Counts:
        """What came after `earlier`. Where the process began anew, everything did."""
        then = Counts() if self._began_anew(earlier) else earlier
        return Counts(
            requests=self.requests - then.requests,
            errors=self.errors - then.errors,
            latency=self.latency and self.latency.since(then.latency),
            scores=self.scores and self.scores.since(then.scores),
            rows=growth_of(self.rows, then.rows),
            missing={**dict.fromkeys(self.missing, 0), **grown(self.missing, then.missing)},
            is_mixed=self.is_mixed,
        )

    def _began_anew(self, earlier: Counts) -> bool:
        if self.requests < earlier.requests or self.errors < earlier.errors:
            return True
        return earlier.latency is not None and (self.latency is None or self.latency.fell_below(earlier.latency))


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What pods sent to the canary, or kept from it.

    `attempts`: by result; `fallbacks`: own answers instead, by reason; `copies`: in the shadow rung, by result.
    `awaited`: requests looked at for inputs that only the canary needs; `absent`: those of them without one, by input.
    """

    attempts: Tally = field(default_factory=dict)
    fallbacks: Tally = field(default_factory=dict)
    copies: Tally = field(default_factory=dict)
    compared: int = 0
    flips: int = 0
    differences: Histogram | None = None
    awaited: int = 0
    absent: Tally = field(default_factory=dict)

    def plus(self, other: Forwarding) -> Forwarding:
        return Forwarding(
            attempts=summed(self.attempts, other.attempts),
            fallbacks=summed(self.fallbacks, other.fallbacks),
            copies=summed(self.copies, other.copies),
            compared=self.compared + other.compared,
            flips=self.flips + other.flips,
            differences=_joined(self.differences, other.differences)[0],
            awaited=self.awaited + other.awaited,
            absent=summed(self.absent, other.absent),
        )

    def since(self, earlier: Forwarding) -> Forwarding:
        """What came after `earlier`; each count that fell began anew."""
        return Forwarding(
            attempts=grown(self.attempts, earlier.attempts),
            fallbacks=grown(self.fallbacks, earlier.fallbacks),
            copies=grown(self.copies, earlier.copies),
            compared=growth_of(self.compared, earlier.compared),
            flips=growth_of(self.flips, earlier.flips),
            differences=self.differences and self.differences.since(earlier.differences),
            awaited=growth_of(self.awaited, earlier.awaited),
            absent=grown(self.absent, earlier.absent),
        )


def counts_of(sample: Sample) -> Counts:
    """What the pod answered itself, over all routes."""
    own = [route for route in sample.requests if route != _HANDED_ON]
    latency, differs = _joined_all(sample.latency[route] for route in own if route in sample.latency)
    return Counts(
        requests=sum(sample.requests[route] for route in own),
        errors=sum(sample.errors.get(route, 0) for route in own),
        latency=latency,
        scores=sample.scores,
        rows=sample.rows,
        missing=sample.missing,
        is_mixed=differs,
    )


def forwarding_of(sample: Sample, to: str) -> Forwarding:
    """What the pod sent to this revision."""
    return Forwarding(
        attempts=sample.attempts.get(to, {}),
        fallbacks=sample.fallbacks.get(to, {}),
        copies=sample.copies.get(to, {}),
        compared=sample.compared.get(to, 0),
        flips=sample.flips.get(to, 0),
        differences=sample.differences.get(to),
        awaited=sample.awaited,
        absent=sample.absent,
    )


def _joined(one: Histogram | None, other: Histogram | None) -> tuple[Histogram | None, bool]:
    """Both together, and whether their bins differ."""
    if one is None or other is None:
        return one or other, False
    try:
        return one.plus(other), False
    except BinsDiffer:
        return one, True


def _joined_all(histograms: Iterable[Histogram]) -> tuple[Histogram | None, bool]:
    found: Histogram | None = None
    differs = False
    for each in histograms:
        found, is_other = _joined(found, each)
        differs = differs or is_other
    return found, differs
