"""The metrics of a scoring process, by the names of the contract, and what each means for several processes of a pod.

Nothing is counted here: each snapshot reads what the recorder and the observer counted meanwhile.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bankmodel_serving.card import Histogram
from bankmodel_serving.observation import Observer, ScoreTally
from bankmodel_serving.recorder import DURATION_BOUNDS_S, Distribution, Recorder
from bankmodel_serving.routing import RoutingTable
from bankmodel_serving.snapshot import Family, Kind, Merge, Samples, Snapshot, silent_processes
from bankmodel_serving.split.tally import DIFFERENCE_BOUNDS, SplitTally
from bankmodel_serving.tls import Shown, TlsFiles

__all__ = ["Identity", "Metrics"]

Counts = Mapping[Any, int]  # by label, or by labels in a tuple
_OWN = ("model", "revision")
_MOST_AUTHORITIES = 16


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


class SplitNow(Protocol):
    """How the split stands at this moment."""

    @property
    def effective_weight(self) -> int: ...

    @property
    def mirrors(self) -> bool: ...


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
        self.split: SplitNow | None = None
        self.split_tally = SplitTally()
        self.score_baseline: Histogram | None = None

    def snapshot(self) -> Snapshot:
        """Everything, as of this moment."""
        return {family.name: family for family in self._families()}

    def _families(self) -> Iterator[Family]:
        yield from self._requests()
        yield from self._levels()
        yield from silent_processes(*self._own, 0).values()
        yield from self._inputs()
        yield from self._routing()
        yield from self._split()
        if self.tls is not None:
            yield from self._tls(self.tls)
        if self.observer is not None:
            yield from self._observed(self.observer)

    def _requests(self) -> Iterator[Family]:
        recorder = self._recorder
        codes: Counts = {
            (route, str(code)): count
            for route, traffic in recorder.routes.items()
            for code, count in traffic.requests.copy().items()
        }
        yield self._counter("bankmodel_requests", "Scoring requests answered.", ("route", "code"), codes)
        yield self._counter(
            "bankmodel_shed_requests", "Refused because they would have waited too long.", (), {(): recorder.shed}
        )
        taken = {
            route: traffic.durations
            for route, traffic in recorder.routes.items()
            if traffic.requests or route == "stable"
        }
        text = "From the whole request read to its answer written."
        yield self._histograms("bankmodel_request_duration_seconds", text, ("route",), taken)
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

    def _split(self) -> Iterator[Family]:
        tally, now = self.split_tally, self.split
        text = "Percent of requests that this pod really sends on to the canary now."
        weight = 0 if now is None else now.effective_weight
        yield self._gauge("bankmodel_routing_effective_weight", text, Merge.LEAST, weight)
        text = "1 where this pod sends copies of its requests to the canary now."
        yield self._gauge("bankmodel_routing_mirroring", text, Merge.LEAST, int(now is not None and now.mirrors))
        to = ("to", "result")
        yield self._counter("bankmodel_forward_attempts", "Requests for another revision.", to, tally.attempts.copy())
        text = "Requests for another revision that this pod answered itself."
        yield self._counter("bankmodel_forward_fallbacks", text, ("to", "reason"), tally.fallbacks.copy())
        text = "Requests without a single sticky key."
        yield self._counter("bankmodel_split_unkeyed", text, ("reason",), tally.unkeyed.copy())
        text = "Requests in which inputs were looked for that the canary requires."
        yield self._counter("bankmodel_awaited_requests", text, (), {(): tally.looked_at})
        absent = tally.awaited_absent.copy()
        yield self._counter("bankmodel_awaited_inputs_absent", "Those of them without it.", ("input",), absent)
        yield from self._shadow(tally)

    def _shadow(self, tally: SplitTally) -> Iterator[Family]:
        text = "Copies of answered requests for a mirrored canary."
        yield self._counter("bankmodel_shadow_copies", text, ("to", "result"), tally.copies.copy())
        text = "Rows scored by both, where a cutoff is known."
        yield self._counter("bankmodel_shadow_compared", text, ("to",), tally.compared.copy())
        text = "Those of them on the other side of the cutoff."
        yield self._counter("bankmodel_shadow_decision_flips", text, ("to",), tally.flips.copy())
        seen = tally.differences.copy()
        text = "Absolute difference of the scores of one row."
        yield self._histograms("bankmodel_shadow_score_difference", text, ("to",), seen, DIFFERENCE_BOUNDS)

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
            yield self._peers(pair.shown)
        usable = tls.problem is None
        text = "1 if the certificate files could be used as they are now, 0 if an older pair or none is in use."
        yield self._gauge("bankmodel_tls_last_reload_successful", text, Merge.LEAST, usable)
        reloads: Counts = {(result,): count for result, count in self._recorder.tls_reloads.copy().items()}
        yield self._counter("bankmodel_tls_reloads", "Loads of the certificate files.", ("result",), reloads)
        ended: Counts = {(result,): count for result, count in self._recorder.tls_handshakes.copy().items()}
        yield self._counter("bankmodel_tls_handshakes", "Connections to the TLS port.", ("result",), ended)

    def _peers(self, shown: Shown) -> Family:
        text = "1 if pods of this model can show each other the certificate in use, 0 if it does for callers alone."
        labels = (*_OWN, "certificate", "authorities", "problem")
        series = (*self._own, shown.certificate, ",".join(shown.authorities[:_MOST_AUTHORITIES]), shown.problem)
        usable = int(not shown.problem)
        return Family("bankmodel_tls_peers_usable", text, Kind.GAUGE, Merge.ONE, labels, {series: (usable,)})

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
            if self.score_baseline is not None and self.score_baseline.edges == observer.score.edges:
                yield self._baseline(self.score_baseline)

    def _scores(self, score: ScoreTally) -> Family:
        distribution = Distribution(score.edges)
        distribution.counts, distribution.total = score.counts, score.total
        return self._histogram("bankmodel_score", "Scores answered, in the card's bins.", distribution)

    def _baseline(self, baseline: Histogram) -> Family:
        """What fell outside when the card was made is told without its side; it is counted as beyond all bins."""
        text = "Scores of the card's baseline, in the bins of bankmodel_score."
        slots = (0, *baseline.counts, baseline.outside)
        return Family(
            *("bankmodel_score_baseline", text, Kind.HISTOGRAM, Merge.ONE, _OWN),
            {self._own: (*slots, math.nan)},  # a card has no sum
            baseline.edges,
        )

    def _gauge(self, name: str, text: str, meaning: Merge, value: float) -> Family:
        samples: Samples = {self._own: (value,)}
        return Family(name, text, Kind.GAUGE, meaning, _OWN, samples)

    def _counter(self, name: str, text: str, labels: Sequence[str], values: Counts) -> Family:
        samples: Samples = {(*self._own, *_labels(key)): (value,) for key, value in values.items()}
        return Family(name, text, Kind.COUNTER, Merge.SUM, (*_OWN, *labels), samples)

    def _histogram(self, name: str, text: str, seen: Distribution) -> Family:
        return self._histograms(name, text, (), {(): seen}, seen.bounds)

    def _histograms(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        seen: Mapping[Any, Distribution],
        bounds: tuple[float, ...] = DURATION_BOUNDS_S,
    ) -> Family:
        samples: Samples = {(*self._own, *_labels(key)): (*each.counts, each.total) for key, each in seen.items()}
        return Family(name, text, Kind.HISTOGRAM, Merge.SUM, (*_OWN, *labels), samples, bounds)


def _labels(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key
