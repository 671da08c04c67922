"""Snapshots of several processes become one by each family's meaning, in whatever order they come."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st
from prometheus_client.parser import text_string_to_metric_families

from bankmodel_serving.exposition import render
from bankmodel_serving.metrics import Identity, Metrics
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.routing import RoutingTable
from bankmodel_serving.snapshot import (
    EMPTY,
    Family,
    Kind,
    Merge,
    Snapshot,
    as_json,
    from_json,
    merge,
    merge_all,
    only_past,
)

_BOUNDS = (0.5, 1.0)
_DECLARED = (
    ("requests", Kind.COUNTER, Merge.SUM),
    ("seconds", Kind.HISTOGRAM, Merge.SUM),
    ("connections", Kind.GAUGE, Merge.SUM),
    ("generation", Kind.GAUGE, Merge.LEAST),
    ("info", Kind.GAUGE, Merge.ONE),
)
_labels: st.SearchStrategy[tuple[str, ...]] = st.tuples(st.sampled_from("abc"))
_counts = st.integers(0, 10**9)  # whole numbers: floats add up to the same in any order but for the last bit


@st.composite
def _snapshots(draw: st.DrawFn) -> Snapshot:
    found = {}
    for name, kind, meaning in draw(st.lists(st.sampled_from(_DECLARED), unique=True)):
        width = len(_BOUNDS) + 2 if kind is Kind.HISTOGRAM else 1
        values: st.SearchStrategy[tuple[int | float, ...]] = st.tuples(*[_counts] * width)
        least = 1 if meaning is Merge.ONE else 0
        most = 1 if meaning is Merge.ONE else 3
        series = st.dictionaries(_labels, values, min_size=least, max_size=most)
        bounds = _BOUNDS if kind is Kind.HISTOGRAM else ()
        found[name] = Family(name, "", kind, meaning, ("label",), draw(series), bounds)
    return found


@given(_snapshots(), _snapshots())
def test_which_comes_first_makes_no_difference(one: Snapshot, other: Snapshot) -> None:
    assert merge(one, other) == merge(other, one)


@given(_snapshots(), _snapshots(), _snapshots())
def test_nor_does_the_order_of_merging(one: Snapshot, other: Snapshot, third: Snapshot) -> None:
    assert merge(merge(one, other), third) == merge(one, merge(other, third))


@given(_snapshots())
def test_one_alone_stays_as_it_is(one: Snapshot) -> None:
    assert one == merge_all([one]) == merge(EMPTY, one)


@given(_snapshots())
def test_what_is_carried_between_processes_arrives_as_it_was(one: Snapshot) -> None:
    assert one == from_json(json.loads(json.dumps(as_json(one))))


@given(st.lists(_snapshots(), min_size=1))
def test_nothing_that_was_counted_gets_lost(snapshots: Sequence[Snapshot]) -> None:
    found = merge_all(snapshots)

    for name in ("requests", "seconds"):
        sent = sum(sum(value) for each in snapshots if name in each for value in each[name].samples.values())
        assert sent == (sum(sum(value) for value in found[name].samples.values()) if name in found else 0)


def _process(requests: int, generation: int, owner: str = "mortgage") -> Snapshot:
    recorder = Recorder()
    for _ in range(requests):
        recorder.stable.finished(200, 0.0002)
    recorder.inflight = requests
    metrics = Metrics(Identity("m", "3f8a02c61d", "1", "9f2c"), recorder)
    metrics.connections = lambda: 2 * requests
    metrics.table = lambda: RoutingTable(generation=generation, owner=owner)
    return metrics.snapshot()


def _shown(snapshot: Snapshot) -> dict[str, float]:
    families = text_string_to_metric_families(render(snapshot).decode())
    return {sample.name: sample.value for family in families for sample in family.samples if "le" not in sample.labels}


def test_two_processes_show_as_one_pod() -> None:
    found = _shown(merge_all([_process(3, generation=7), _process(4, generation=6)]))

    assert {
        "bankmodel_requests_total": 7,
        "bankmodel_request_duration_seconds_count": 7,
        "bankmodel_inflight_requests": 7,
        "bankmodel_connections": 14,
        "bankmodel_routing_generation": 6,
        "bankmodel_model_info": 1,
    }.items() <= found.items()


def test_what_is_served_is_told_once_though_one_process_has_seen_a_newer_table() -> None:
    merged = merge_all([_process(0, 1, owner="retail"), _process(0, 2, owner="mortgage")])

    assert [("m", "3f8a02c61d", "1", "9f2c", "mortgage", "", "")] == list(merged["bankmodel_model_info"].samples)


def test_of_the_past_only_what_was_counted_stays() -> None:
    found = _shown(only_past(_process(3, generation=7)))

    assert (3, 1) == (found["bankmodel_requests_total"], found["bankmodel_model_info"])
    assert not {"bankmodel_routing_generation", "bankmodel_connections", "bankmodel_inflight_requests"} & set(found)


def test_processes_that_declare_a_family_differently_are_not_mixed() -> None:
    one = Family("score", "", Kind.HISTOGRAM, Merge.SUM, (), {(): (1, 0, 0.5)}, (0.5,))
    other = Family("score", "", Kind.HISTOGRAM, Merge.SUM, (), {(): (1, 0, 0.5)}, (0.7,))

    with pytest.raises(ValueError, match="declare score differently"):
        merge({"score": one}, {"score": other})
