"""What one pod reported at one moment, as plain figures. Parsed by `telemetry.scrape`, accumulated by `analysis.window`.

All figures are cumulative: they grow for as long as the container lives and begin at 0 when it starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["BinsDiffer", "Histogram", "Sample", "grown", "growth_of", "summed"]

Tally = Mapping[str, int]


class BinsDiffer(ValueError):
    """Two histograms have different edges, so that their counts can't be compared."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts[i]` is above `edges[i-1]` and at or below `edges[i]`; the last count is above all edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    def plus(self, other: Histogram) -> Histogram:
        """Both together. Raises BinsDiffer."""
        if self.edges != other.edges:
            raise BinsDiffer(f"{len(self.edges)} edges and {len(other.edges)} edges")
        return Histogram(
            self.edges, tuple(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True))
        )

    def since(self, earlier: Histogram | None) -> Histogram:
        """What came after `earlier`; everything, where it began anew meanwhile."""
        if earlier is None or self.fell_below(earlier):
            return self
        return Histogram(self.edges, tuple(now - then for now, then in zip(self.counts, earlier.counts, strict=True)))

    def fell_below(self, earlier: Histogram) -> bool:
        """Whether it began anew: cumulative counts never fall, and edges don't change in one life."""
        if self.edges != earlier.edges:
            return True
        return any(now < then for now, then in zip(self.counts, earlier.counts, strict=True))


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one pod: cumulative figures. Requests by route (stable, canary, peer, shadow), forwarding by `to` revision.

    `rows`: how many values of each input were counted; `missing`: how many of them were missing, for each counted input.
    """

    at: datetime
    revision: str
    requests: Tally = field(default_factory=dict)
    errors: Tally = field(default_factory=dict)
    latency: Mapping[str, Histogram] = field(default_factory=dict)
    scores: Histogram | None = None
    baseline: Histogram | None = None
    rows: int = 0
    missing: Tally = field(default_factory=dict)
    attempts: Mapping[str, Tally] = field(default_factory=dict)
    fallbacks: Mapping[str, Tally] = field(default_factory=dict)
    copies: Mapping[str, Tally] = field(default_factory=dict)
    compared: Tally = field(default_factory=dict)
    flips: Tally = field(default_factory=dict)
    differences: Mapping[str, Histogram] = field(default_factory=dict)
    awaited: int = 0
    absent: Tally = field(default_factory=dict)


def grown(now: Tally, then: Tally) -> dict[str, int]:
    """How much each count grew; one that fell began anew, so all of it is growth. Without what did not grow."""
    growth = {key: growth_of(count, then.get(key, 0)) for key, count in now.items()}
    return {key: count for key, count in growth.items() if count}


def growth_of(now: int, then: int) -> int:
    """The same of one count."""
    return now - then if now >= then else now


def summed(one: Tally, other: Tally) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in (*one, *(key for key in other if key not in one))}
