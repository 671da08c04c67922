"""A snapshot as text that Prometheus reads; the only importer of prometheus_client."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bankmodel_serving.snapshot import Family, Kind, Snapshot

__all__ = ["CONTENT_TYPE", "render"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(snapshot: Snapshot) -> bytes:
    """The exposition text of a snapshot."""
    return generate_latest(_Collected(snapshot))


class _Collected(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        return map(_metric, self._snapshot.values())


def _metric(family: Family) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        return _histogram(family)
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    found = make(family.name, family.text, labels=family.labels)
    for series, (value,) in family.samples.items():
        found.add_metric(series, value)
    return found


def _histogram(family: Family) -> Metric:
    found = HistogramMetricFamily(family.name, family.text, labels=family.labels)
    bounds = (*map(str, family.bounds), "+Inf")
    for series, (*counts, total) in family.samples.items():
        found.add_metric(series, list(zip(bounds, accumulate(counts), strict=True)), total)
    return found
