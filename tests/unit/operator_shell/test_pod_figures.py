"""Figures of a pod: read exactly as the serving side writes them, or not at all."""

from __future__ import annotations

import pytest

from bankmodel_operator.core.analysis.samples import Histogram, Sample
from bankmodel_operator.telemetry.exposition import read_flag, read_least, read_sample
from bankmodel_serving.exposition import render
from bankmodel_serving.snapshot import Family, Kind, Merge, Value
from support.pod_counts import START

_OWN = ("model", "revision")
_POD = ("mortgage", "0a1b2c3d4e")


def family(
    name: str, kind: Kind, labels: tuple[str, ...], values: dict[tuple[str, ...], Value], **more: object
) -> Family:
    samples = {(*_POD, *key): value for key, value in values.items()}
    return Family(f"bankmodel_{name}", "Text.", kind, Merge.SUM, (*_OWN, *labels), samples, **more)  # type: ignore[arg-type]


def counter(name: str, labels: tuple[str, ...] = (), **values: int) -> Family:
    """Values by their labels' values joined with `__`."""
    return family(
        name,
        Kind.COUNTER,
        labels,
        {tuple(key.split("__")) if labels else (): (value,) for key, value in values.items()},
    )


def histogram(name: str, labels: tuple[str, ...], values: dict[tuple[str, ...], Value]) -> Family:
    return family(name, Kind.HISTOGRAM, labels, values, bounds=(0.001, 0.0025))


FAMILIES = (
    family("routing_generation", Kind.GAUGE, (), {(): (7,)}),
    family("silent_processes", Kind.GAUGE, (), {(): (0,)}),
    family("routing_effective_weight", Kind.GAUGE, (), {(): (5,)}),
    family("routing_mirroring", Kind.GAUGE, (), {(): (1,)}),
    counter("requests", ("route", "code"), stable__200=90, stable__500=3, canary__200=10, peer__503=2, stable__400=1),
    histogram("request_duration_seconds", ("route",), {("stable",): (90, 3, 1, 0.2), ("canary",): (0, 9, 1, 0.1)}),
    histogram("score", (), {(): (5, 6, 7, 1.5)}),
    histogram("score_baseline", (), {(): (50, 60, 70, 15.0)}),
    counter("feature_observations", ("feature", "bin"), income__0=60, income__missing=30, income__outside=4, age__0=94),
    counter("forward_attempts", ("to", "result"), c__ok=9, c__timeout=1, b__ok=99),
    counter("forward_fallbacks", ("to", "reason"), c__timeout=1),
    counter("shadow_copies", ("to", "result"), c__ok=4, c__dropped=2),
    counter("shadow_compared", ("to",), c=4),
    counter("shadow_decision_flips", ("to",), c=1),
    histogram("shadow_score_difference", ("to",), {("c",): (3, 1, 0, 0.002)}),
    counter("awaited_requests", awaited=94),
    counter("awaited_inputs_absent", ("input",), debt=94),
)
TEXT = render({each.name: each for each in FAMILIES}).decode()


def test_every_figure_is_read_as_it_is_written() -> None:
    edges = (0.001, 0.0025)
    expected = Sample(
        at=START,
        revision="0a1b2c3d4e",
        requests={"stable": 94, "canary": 10, "peer": 2},
        errors={"stable": 3, "peer": 2},
        latency={"stable": Histogram(edges, (90, 3, 1)), "canary": Histogram(edges, (0, 9, 1))},
        scores=Histogram(edges, (5, 6, 7)),
        baseline=Histogram(edges, (50, 60, 70)),
        rows=94,
        missing={"income": 30, "age": 0},
        attempts={"c": {"ok": 9, "timeout": 1}, "b": {"ok": 99}},
        fallbacks={"c": {"timeout": 1}},
        copies={"c": {"ok": 4, "dropped": 2}},
        compared={"c": 4},
        flips={"c": 1},
        differences={"c": Histogram(edges, (3, 1, 0))},
        awaited=94,
        absent={"debt": 94},
    )

    assert expected == read_sample(TEXT, START)


def test_what_a_pod_really_forwards_is_read() -> None:
    assert (5, True) == (read_least(TEXT, "routing_effective_weight"), read_flag(TEXT, "routing_mirroring"))
    assert (None, None) == (read_least("", "routing_effective_weight"), read_flag("", "routing_mirroring"))


def test_of_several_processes_the_least_counts() -> None:
    text = 'bankmodel_routing_mirroring{pid="1"} 1.0\nbankmodel_routing_mirroring{pid="2"} 0.0\n'

    assert read_flag(text, "routing_mirroring") is False


def test_names_with_quotes_and_braces_are_read() -> None:
    odd = 'in}co"me\\'
    text = render({each.name: each for each in (FAMILIES[0], _counted(odd))}).decode()
    found = read_sample(text, START)

    assert found is not None
    assert {odd: 3} == found.missing


def _counted(name: str) -> Family:
    return family("feature_observations", Kind.COUNTER, ("feature", "bin"), {(name, "missing"): (3,)})


_BUCKET = 'bankmodel_score_bucket{le="0.0025",model="mortgage",revision="0a1b2c3d4e"} 11.0'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("9.0\n", "NaN\n", id="NaN"),
        pytest.param("9.0\n", "-1\n", id="a negative count"),
        pytest.param("9.0\n", "9.5\n", id="half a request"),
        pytest.param("9.0\n", "+Inf\n", id="infinity"),
        pytest.param("9.0\n", "many\n", id="a word"),
        pytest.param("9.0\n", "9.0 1700000000\n9.0e\n", id="garbage"),
        pytest.param(_BUCKET, _BUCKET.replace("11.0", "3.0"), id="a histogram that falls"),
        pytest.param('le="+Inf"', 'le="9"', id="a histogram without end"),
        pytest.param('le="0.001"', 'el="0.001"', id="a bucket without edge"),
        pytest.param('bankmodel_silent_processes{model="mortgage",revision="0a1b2c3d4e"} 0.0', "bankmodel_silent_processes 1.0", id="a silent process"),
        pytest.param("bankmodel_routing_generation", "bankmodel_other", id="no generation"),
    ],
)  # fmt: skip
def test_half_a_report_is_none(old: str, new: str) -> None:
    assert old in TEXT
    assert read_sample(TEXT.replace(old, new), START) is None


@pytest.mark.parametrize("length", [0, len(TEXT) // 3, len(TEXT) - 1], ids=["nothing", "a third", "all but the end"])
def test_a_report_that_was_cut_is_none(length: int) -> None:
    assert read_sample(TEXT[:length], START) is None


def test_a_pod_of_an_older_image_counts_its_latency_without_route() -> None:
    text = render(
        {each.name: each for each in (FAMILIES[0], histogram("request_duration_seconds", (), {(): (1, 2, 3, 0.1)}))}
    )
    found = read_sample(text.decode(), START)

    assert found is not None
    assert {"stable": Histogram((0.001, 0.0025), (1, 2, 3))} == found.latency
