"""Counting on the hot path: plain integers and lists, no locks, no lookups by label. `metrics` renders them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

__all__ = ["DURATION_BOUNDS_S", "INFERENCE_BOUNDS_S", "Distribution", "Recorder", "Traffic"]

INFERENCE_BOUNDS_S = (
    *(0.0001, 0.00025, 0.0005, 0.00075, 0.001, 0.0025, 0.005, 0.0075),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
DURATION_BOUNDS_S = (
    *(0.0001, 0.000125, 0.00015, 0.0002, 0.00025, 0.0003, 0.0004, 0.0005, 0.0006, 0.00075),
    *(0.001, 0.00125, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.006, 0.0075),
    *(0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.075),
    *(0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 1.0, 2.5, 5.0),
)
"""By these a canary is judged: at most a third apart, so that one three times as slow is proven so with some hundred requests. Those of
INFERENCE_BOUNDS_S, which older images have, are among them: both kinds can be compared in these."""


class Distribution:
    """A histogram: `counts[i]` is at or below `bounds[i]` and above the one before; the last slot is beyond."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = DURATION_BOUNDS_S) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Traffic:
    """Requests of one route: by status, and how long they took."""

    __slots__ = ("durations", "requests")

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.durations = Distribution()

    def finished(self, status: int, seconds: float) -> None:
        """One scoring request was answered."""
        self.requests[status] += 1
        self.durations.observe(seconds)


class Recorder:
    """All that one process counts about its requests. Only the event loop's thread writes.

    The routes: answered to a caller by this pod itself (stable) or by a peer (canary); to another pod (peer, shadow).
    """

    def __init__(self) -> None:
        self.stable = Traffic()
        self.canary = Traffic()
        self.peer = Traffic()
        self.shadow = Traffic()
        self.inference = Distribution(INFERENCE_BOUNDS_S)
        self.undeclared = 0
        self.absent: Counter[str] = Counter()
        self.routing_rejected: Counter[str] = Counter()
        self.tls_handshakes: Counter[str] = Counter()
        self.tls_reloads: Counter[str] = Counter()
        self.inflight = 0
        self.shed = 0

    def shed_one(self) -> None:
        """One scoring request was refused because it would have waited too long."""
        self.shed += 1

    @property
    def routes(self) -> dict[str, Traffic]:
        """By the label of the metrics."""
        return {"stable": self.stable, "canary": self.canary, "peer": self.peer, "shadow": self.shadow}
