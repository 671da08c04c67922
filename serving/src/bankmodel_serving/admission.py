"""Whether one more request may wait. Pure: the scheduler tells what was served and asks, this decides (ADR 15).

A queue that is full by count says nothing about time: 4,096 requests are 80 ms for a scorecard and 20 s for a large
forest. So the wait is estimated from how fast requests were served just now, everything included that took the
loop's time, refusals too, and a request that would wait longer than the target is refused before its body is read.
"""

__all__ = ["Admission"]

_LEAST_WAITING = 8  # of a slow model a few callers may come at once, whatever one takes
_STEP = 1.1  # how far one turn moves the estimate: a stall of the machine is one turn, so it tells little
_STALE_S = 1.0  # an estimate that old refuses nobody: what made the server slow is over


class Admission:
    """Bounds the time in the queue. `target_s` is what a request may wait by the estimate. Belongs to one thread."""

    __slots__ = ("_observed_at", "_per_request_s", "_room", "target_s")

    def __init__(self, target_s: float) -> None:
        self.target_s = target_s
        self._per_request_s = 0.0
        self._room = float("inf")
        self._observed_at = 0.0

    def admits(self, waiting: int, now: float) -> bool:
        """Whether a request that comes behind `waiting` others at `now` will probably be served within the target."""
        return waiting < self._room or now - self._observed_at > _STALE_S

    def observe(self, served: int, seconds: float, now: float) -> None:
        """`served` requests took the loop `seconds`, from the first of them being queued to the last one's answer.

        The estimate takes a step towards what was seen, so it follows the median: 40 turns for a change by the factor 40.
        """
        seen, known = max(seconds / served, 1e-9), self._per_request_s
        self._per_request_s = min(max(seen, known / _STEP), known * _STEP) if known else seen
        self._room = max(_LEAST_WAITING, self.target_s / self._per_request_s)
        self._observed_at = now
