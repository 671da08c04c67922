"""The metrics of a scoring pod, by the names of the contract; the only importer of prometheus_client.

Nothing is counted here: at each scrape a collector reads what the recorder and the observer counted meanwhile.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bankmodel_serving.observation import Observer, ScoreTally
from bankmodel_serving.recorder import Distribution, Recorder
from bankmodel_serving.routing import RoutingTable

__all__ = ["CONTENT_TYPE", "Identity", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Counts = Mapping[tuple[str, ...], int]
_ROUTE = "stable"  # the only one until requests are split


@dataclass(frozen=True)
class Identity:
    """The labels that every series of this pod carries, and what `bankmodel_model_info` adds to them."""

    model: str
    revision: str
    version: str
    sha256: str


class Metrics(Collector):
    """Renders everything. Safe to call from another thread: it copies each list before it adds it up."""

    def __init__(self, identity: Identity, recorder: Recorder) -> None:
        self._identity = identity
        self._recorder = recorder
        self._own = (identity.model, identity.revision)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self.observer: Observer | None = None
        self.table: Callable[[], RoutingTable] = RoutingTable
        self.connections: Callable[[], int] = int

    def render(self) -> bytes:
        """The exposition text of this moment."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._requests()
        yield from self._levels()
        yield from self._inputs()
        yield from self._routing()
        if self.observer is not None:
            yield from self._observed(self.observer)

    def _requests(self) -> Iterator[Metric]:
        recorder = self._recorder
        codes: Counts = {(_ROUTE, str(code)): count for code, count in recorder.requests.copy().items()}
        yield self._counter("bankmodel_requests", "Scoring requests answered.", ("route", "code"), codes)
        yield self._histogram(
            "bankmodel_request_duration_seconds",
            "From the whole request read to its answer written.",
            recorder.durations,
        )
        yield self._histogram("bankmodel_inference_duration_seconds", "One batch in the engine.", recorder.inference)

    def _levels(self) -> Iterator[Metric]:
        recorder = self._recorder
        yield self._gauge("bankmodel_inflight_requests", "Requests accepted and not yet answered.", recorder.inflight)
        yield self._gauge("bankmodel_connections", "Open scoring connections.", self.connections())

    def _inputs(self) -> Iterator[Metric]:
        recorder = self._recorder
        undeclared: Counts = {(): recorder.undeclared}
        yield self._counter("bankmodel_undeclared_inputs", "Inputs sent that the model ignores.", (), undeclared)
        absent: Counts = {(name,): count for name, count in recorder.absent.copy().items()}
        yield self._counter("bankmodel_absent_inputs", "Requests without this input.", ("input",), absent)

    def _routing(self) -> Iterator[Metric]:
        table = self.table()
        yield self._gauge("bankmodel_routing_generation", "Generation of the table in force.", table.generation)
        rejected: Counts = {(reason,): count for reason, count in self._recorder.routing_rejected.copy().items()}
        yield self._counter("bankmodel_routing_rejected", "Routing tables refused.", ("reason",), rejected)
        labels = ("model", "revision", "version", "sha256", "owner", "tier")
        info = GaugeMetricFamily("bankmodel_model_info", "What is served here; always 1.", labels=labels)
        identity = self._identity
        info.add_metric((*self._own, identity.version, identity.sha256, table.owner, table.tier), 1)
        yield info

    def _observed(self, observer: Observer) -> Iterator[Metric]:
        bins: dict[tuple[str, ...], int] = {}
        for name, _, tally in observer.features:
            bins.update({(name, str(index)): count for index, count in enumerate(tally.counts)})
            bins[(name, "missing")] = tally.missing
            bins[(name, "outside")] = tally.outside
        text = "Values seen per bin of the card's baseline (0 is the first), missing and outside."
        yield self._counter("bankmodel_feature_observations", text, ("feature", "bin"), bins)
        if observer.score is not None:
            yield self._scores(observer.score)

    def _scores(self, score: ScoreTally) -> Metric:
        distribution = Distribution(score.edges)
        distribution.counts, distribution.total = score.counts.copy(), score.total
        return self._histogram("bankmodel_score", "Scores answered, in the card's bins.", distribution)

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, text, labels=("model", "revision"))
        family.add_metric(self._own, value)
        return family

    def _counter(self, name: str, text: str, labels: Sequence[str], values: Counts) -> Metric:
        family = CounterMetricFamily(name, text, labels=("model", "revision", *labels))
        for key, value in values.items():
            family.add_metric((*self._own, *key), value)
        return family

    def _histogram(self, name: str, text: str, distribution: Distribution) -> Metric:
        counts, running = distribution.counts.copy(), 0
        buckets = []
        for bound, count in zip((*map(str, distribution.bounds), "+Inf"), counts, strict=True):
            running += count
            buckets.append((bound, float(running)))
        family = HistogramMetricFamily(name, text, labels=("model", "revision"))
        family.add_metric(self._own, buckets, distribution.total)
        return family
