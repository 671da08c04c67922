"""Samples of pods for tests of the analysis: cumulative figures, by the names the tests speak of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bankmodel_operator.core.analysis.samples import Histogram, Sample
from bankmodel_operator.core.analysis.window import Look
from bankmodel_serving.recorder import DURATION_BOUNDS_S

__all__ = ["CANARY", "LATENCY_EDGES", "OLDER_EDGES", "SCORE_EDGES", "STABLE", "START", "after", "look", "sample"]

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
CANARY = "cccccccccc"
STABLE = "aaaaaaaaaa"
LATENCY_EDGES = DURATION_BOUNDS_S
OLDER_EDGES = (
    *(0.0001, 0.00025, 0.0005, 0.00075, 0.001, 0.0025, 0.005, 0.0075),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
"""What serving images had before, and some still do."""
SCORE_EDGES = tuple(index / 20 for index in range(21))


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def sample(at_s: float, revision: str = CANARY, *, requests: int = 0, route: str = "peer", **fields: Any) -> Sample:
    """A pod's figures: so many requests of one route, each of 2 ms, and whatever else is given."""
    counts = [0] * (len(LATENCY_EDGES) + 1)
    counts[LATENCY_EDGES.index(0.0025)] = requests
    given = {"requests": {route: requests}, "latency": {route: Histogram(LATENCY_EDGES, tuple(counts))}, **fields}
    return Sample(at=after(at_s), revision=revision, **given)


def look(
    uid: str, seen: Sample | None, *, revision: str = "", started_s: float | None = -3600, restarts: int = 0
) -> Look:
    """A look at a pod, which by default is an hour old."""
    started = None if started_s is None else after(started_s)
    return Look(uid, revision or (seen.revision if seen else CANARY), seen, started, restarts)
