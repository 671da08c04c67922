"""The metrics of a scoring process, by the names of the contract, and what each means for several processes of a pod.

Nothing is counted here: each snapshot reads what the recorder and the observer counted meanwhile.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bankmodel_serving.observation import Observer, ScoreTally
from bankmodel_serving.recorder import Distribution, Recorder
from bankmodel_serving.routing import RoutingTable
from bankmodel_serving.snapshot import Family, Kind, Merge, Samples, Snapshot, silent_processes
from bankmodel_serving.tls import TlsFiles

__all__ = ["Identity", "Metrics"]

Counts = Mapping[tuple[str, ...], int]
_OWN = ("model", "revision")
_ROUTE = "stable"  # the only one until requests are split


@dataclass(frozen=True)
class Identity:
    """The labels that every series of this pod carries, and what `bankmodel_model_info` adds to them."""

    model: str
    revision: str
    version: str
    sha256: str

    @property
    def answer_parameters(self) -> dict[str, str]:
        """What every answer says about the model that gave it."""
        return {"sha256": self.sha256, **({"revision": self.revision} if self.revision else {})}


class Metrics:
    """Takes snapshots. Safe to call from another thread: it copies each list before anything is made of it."""

    def __init__(self, identity: Identity, recorder: Recorder) -> None:
        self._identity = identity
        self._recorder = recorder
        self._own = (identity.model, identity.revision)
        self.observer: Observer | None = None
        self.table: Callable[[], RoutingTable] = RoutingTable
        self.connections: Callable[[], int] = int
        self.tls: TlsFiles | None = None
        self.coalesces: bool | None = None  # not known before the model is loaded

    def snapshot(self) -> Snapshot:
        """Everything, as of this moment."""
        return {family.name: family for family in self._families()}

    def _families(self) -> Iterator[Family]:
        yield from self._requests()
        yield from self._levels()
        yield from silent_processes(*self._own, 0).values()
        yield from self._inputs()
        yield from self._routing()
        if self.tls is not None:
            yield from self._tls(self.tls)
        if self.observer is not None:
            yield from self._observed(self.observer)

    def _requests(self) -> Iterator[Family]:
        recorder = self._recorder
        codes: Counts = {(_ROUTE, str(code)): count for code, count in recorder.requests.copy().items()}
        yield self._counter("bankmodel_requests", "Scoring requests answered.", ("route", "code"), codes)
        yield self._counter(
            "bankmodel_shed_requests", "Refused because they would have waited too long.", (), {(): recorder.shed}
        )
        yield self._histogram(
            "bankmodel_request_duration_seconds",
            "From the whole request read to its answer written.",
            recorder.durations,
        )
        yield self._histogram("bankmodel_inference_duration_seconds", "One batch in the engine.", recorder.inference)

    def _levels(self) -> Iterator[Family]:
        inflight, connections = self._recorder.inflight, self.connections()
        yield self._gauge("bankmodel_inflight_requests", "Requests accepted and not yet answered.", Merge.SUM, inflight)
        yield self._gauge("bankmodel_connections", "Open scoring connections.", Merge.SUM, connections)

    def _inputs(self) -> Iterator[Family]:
        recorder = self._recorder
        undeclared: Counts = {(): recorder.undeclared}
        yield self._counter("bankmodel_undeclared_inputs", "Inputs sent that the model ignores.", (), undeclared)
        absent: Counts = {(name,): count for name, count in recorder.absent.copy().items()}
        yield self._counter("bankmodel_absent_inputs", "Requests without this input.", ("input",), absent)

    def _routing(self) -> Iterator[Family]:
        table, identity = self.table(), self._identity
        text = "Generation of the table in force."
        yield self._gauge("bankmodel_routing_generation", text, Merge.LEAST, table.generation)
        rejected: Counts = {(reason,): count for reason, count in self._recorder.routing_rejected.copy().items()}
        yield self._counter("bankmodel_routing_rejected", "Routing tables refused.", ("reason",), rejected)
        labels = (*_OWN, "version", "sha256", "owner", "tier", "coalesces")
        coalesces = "" if self.coalesces is None else str(self.coalesces).lower()
        series = (*self._own, identity.version, identity.sha256, table.owner, table.tier, coalesces)
        text = "What is served here; always 1."
        yield Family("bankmodel_model_info", text, Kind.GAUGE, Merge.ONE, labels, {series: (1,)})

    def _tls(self, tls: TlsFiles) -> Iterator[Family]:
        pair = tls.pair
        if pair is not None:
            before, after = pair.validity.not_before, pair.validity.not_after
            name = "bankmodel_tls_certificate_not_{}_timestamp_seconds"
            yield self._gauge(
                name.format("before"), "When the certificate in use becomes valid, Unix time.", Merge.ONE, before
            )
            yield self._gauge(
                name.format("after"), "When the certificate in use expires, Unix time.", Merge.LEAST, after
            )
        usable = tls.problem is None
        text = "1 if the certificate files could be used as they are now, 0 if an older pair or none is in use."
        yield self._gauge("bankmodel_tls_last_reload_successful", text, Merge.LEAST, usable)
        reloads: Counts = {(result,): count for result, count in self._recorder.tls_reloads.copy().items()}
        yield self._counter("bankmodel_tls_reloads", "Loads of the certificate files.", ("result",), reloads)
        ended: Counts = {(result,): count for result, count in self._recorder.tls_handshakes.copy().items()}
        yield self._counter("bankmodel_tls_handshakes", "Connections to the TLS port.", ("result",), ended)

    def _observed(self, observer: Observer) -> Iterator[Family]:
        bins: dict[tuple[str, ...], int] = {}
        for name, _, tally in observer.features:
            bins.update({(name, str(index)): count for index, count in enumerate(tally.counts)})
            bins[(name, "missing")] = tally.missing
            bins[(name, "outside")] = tally.outside
        text = "Values seen per bin of the card's baseline (0 is the first), missing and outside."
        yield self._counter("bankmodel_feature_observations", text, ("feature", "bin"), bins)
        if observer.score is not None:
            yield self._scores(observer.score)

    def _scores(self, score: ScoreTally) -> Family:
        distribution = Distribution(score.edges)
        distribution.counts, distribution.total = score.counts, score.total
        return self._histogram("bankmodel_score", "Scores answered, in the card's bins.", distribution)

    def _gauge(self, name: str, text: str, meaning: Merge, value: float) -> Family:
        samples: Samples = {self._own: (value,)}
        return Family(name, text, Kind.GAUGE, meaning, _OWN, samples)

    def _counter(self, name: str, text: str, labels: Sequence[str], values: Counts) -> Family:
        samples: Samples = {(*self._own, *key): (value,) for key, value in values.items()}
        return Family(name, text, Kind.COUNTER, Merge.SUM, (*_OWN, *labels), samples)

    def _histogram(self, name: str, text: str, seen: Distribution) -> Family:
        samples: Samples = {self._own: (*seen.counts, seen.total)}
        return Family(name, text, Kind.HISTOGRAM, Merge.SUM, _OWN, samples, seen.bounds)
