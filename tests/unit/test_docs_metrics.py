"""docs/metrics.md and both programs name the same metrics, of the same type, with the same labels."""

import re
import ssl
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from bankmodel_operator.telemetry.metrics import Metrics as OperatorMetrics
from bankmodel_serving.card import Histogram
from bankmodel_serving.exposition import render
from bankmodel_serving.metrics import Identity, Metrics as ServingMetrics
from bankmodel_serving.observation import NumericTally, Observer, ScoreTally
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.snapshot import Kind
from bankmodel_serving.tls import Pair, TlsFiles, TlsPaths, Validity

_PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
_OF_EVERY_POD = frozenset({"model", "revision"})

Found = set[tuple[str, str, frozenset[str]]]


def test_the_page_names_what_serving_pods_expose() -> None:
    shown = {(name, kind, labels | _OF_EVERY_POD) for name, kind, labels in _rows("## Serving pods")}

    assert shown == _exposed(text_string_to_metric_families(render(_serving().snapshot()).decode()))


def test_the_page_says_what_each_means_for_several_processes() -> None:
    section = _PAGE.partition("## Serving pods")[2].partition("\n## ")[0]
    shown = dict(re.findall(r"^\| `(bankmodel_\w+)` \|[^|]*\|[^|]*\| (\w+) \|", section, re.M))
    declared = {
        f"{family.name}_total" if family.kind is Kind.COUNTER else family.name: str(family.merge)
        for family in _serving().snapshot().values()
    }

    assert shown == declared


def test_the_page_names_what_the_operator_exposes() -> None:
    text, _ = _operator().exposition("")

    assert _rows("## Operator") == _exposed(text_string_to_metric_families(text.decode()))


def test_a_query_uses_only_metrics_that_exist() -> None:
    known = {name for name, _, _ in (*_rows("## Serving pods"), *_rows("## Operator"))}
    used = set(re.findall(r"bankmodel_\w+", _PAGE.partition("## Worth an alert")[2]))

    assert used <= known


def _rows(heading: str) -> Found:
    section = _PAGE.partition(heading)[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(bankmodel_\w+)` \| (\w+) \|([^|]*)\|", section, re.M)
    return {(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def _exposed(families: Iterable[Metric]) -> Found:
    """As the page writes them: a counter by its sample's name, a histogram without the bucket's own label."""
    found: Found = set()
    for family in families:
        samples = [each for each in family.samples if not each.name.endswith("_created")]
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if samples and not family.name.endswith("_created"):
            found.add((name, family.type, frozenset(samples[0].labels) - {"le"}))
    return found


def _serving() -> ServingMetrics:
    recorder = Recorder()
    recorder.stable.finished(200, 0.001)
    recorder.absent["income"] += 1
    recorder.routing_rejected["LowerGeneration"] += 1
    recorder.tls_handshakes["ok"] += 1
    recorder.tls_reloads["ok"] += 1
    metrics = ServingMetrics(Identity("mortgage", "3f8a02c61d", "2026.11", "9f2c"), recorder)
    metrics.tls = TlsFiles(TlsPaths("tls.crt", "tls.key"), loaded=lambda result: None)
    metrics.tls.pair = Pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Validity(not_before=0, not_after=1), b"", b"", b"")
    tally, pair = metrics.split_tally, ("canary", "ok")
    for counter in (tally.attempts, tally.fallbacks, tally.copies):
        counter[pair] += 1
    for named in (tally.unkeyed, tally.awaited_absent, tally.compared, tally.flips):
        named["canary"] += 1
    tally.differed("canary", np.array([0.1]))
    metrics.score_baseline = Histogram(edges=(0.0, 1.0), counts=(5,))
    score = ScoreTally(0, None, (0.0, 1.0))
    metrics.observer = Observer([("income", (0, 0), NumericTally((0.0, 1.0)))], score, later=lambda call: call())
    return metrics


def _operator() -> OperatorMetrics:
    metrics = OperatorMetrics()
    metrics.passed("ok", 0.01)
    metrics.request("get", "Pod", 200)
    verdicts = [{"name": "errors", "verdict": "PASS"}]
    metrics.in_state("lending", "mortgage", "Climbing", {"state": "Climbing", "weight": 5, "verdicts": verdicts})
    return metrics
