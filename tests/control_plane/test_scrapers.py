"""How Prometheus is led to the pods: by a PodMonitor where that kind is known, also when it comes later; else by annotations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.operator_process import eventually
from support.pod_monitor_kind import pod_monitor_kind
from support.stage import Stage, a_model, stage, wide_stage

_SCRAPE = "prometheus.io/scrape"
Kubectl = Callable[..., Any]


def is_annotated(it: Stage, model: str) -> bool:
    services = it.children(model, "services")
    return any(_SCRAPE in service["metadata"].get("annotations", {}) for service in services)


def test_a_pod_monitor_replaces_the_annotations_when_its_kind_comes(
    api: ApiOnlyCluster, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    with wide_stage(api, kubectl, namespace, tmp_path) as it:
        it.apply(a_model("watched", namespace, monitoring={"labels": {"release": "prometheus"}}))
        it.reaches("watched")
        was_annotated = is_annotated(it, "watched")
        with pod_monitor_kind(kubectl):
            monitor = eventually(lambda: it.get("podmonitor", "watched"), what="the PodMonitor is there")
            eventually(lambda: not is_annotated(it, "watched"), what="the annotations are gone")
        eventually(lambda: is_annotated(it, "watched"), what="the annotations are back when the kind is gone")

    assert was_annotated
    assert monitor["spec"] == {
        "selector": {"matchLabels": {"serving.bankmodel.io/model": "watched"}},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/metrics"}],
    }
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


@pytest.mark.parametrize(
    ("scrape", "monitored", "annotated"),
    [("PodMonitor", True, False), ("Annotations", False, True), ("Disabled", False, False)],
)
def test_a_namespaced_operator_obeys_the_choice(
    api: ApiOnlyCluster,
    kubectl: Kubectl,
    namespace: str,
    tmp_path: Path,
    *,
    scrape: str,
    monitored: bool,
    annotated: bool,
) -> None:
    with pod_monitor_kind(kubectl), stage(api, kubectl, namespace, tmp_path) as it:
        it.apply(a_model("chosen", namespace, monitoring={"scrape": scrape}))
        it.reaches("chosen")
        it.settles(quiet_s=0.5)

        assert monitored == bool(it.get("podmonitor", "chosen"))
        assert annotated == is_annotated(it, "chosen")
