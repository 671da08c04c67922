"""Windows: growth is counted once, pod by pod, whatever pods do; and evidence outlives the operator."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from bankmodel_operator.core.analysis.evidence import from_json, to_json
from bankmodel_operator.core.analysis.samples import Histogram, Sample
from bankmodel_operator.core.analysis.window import Look, Window, accumulate, begin, note_answers
from support.pod_counts import CANARY, LATENCY_EDGES, SCORE_EDGES, STABLE, START, after, look, sample


def run(*rounds: tuple[float, list[Look]], window: Window | None = None) -> Window:
    window = window or begin(CANARY, STABLE, START)
    for at_s, looks in rounds:
        window = accumulate(window, looks, after(at_s))
    return window


def test_only_growth_since_the_first_look_counts() -> None:
    window = run((10, [look("a", sample(10, requests=500))]), (20, [look("a", sample(20, requests=530))]))

    assert 30 == window.of_canary.requests
    assert window.of_canary.latency is not None
    assert 30 == window.of_canary.latency.total


def test_a_pod_born_inside_the_window_counts_from_its_birth() -> None:
    assert 70 == run((10, [look("a", sample(10, requests=70), started_s=5)])).of_canary.requests


def test_a_pod_of_unknown_age_counts_from_its_first_look() -> None:
    assert 0 == run((10, [look("a", sample(10, requests=70), started_s=None)])).of_canary.requests


def test_a_counter_that_fell_began_anew() -> None:
    window = run((10, [look("a", sample(10, requests=500))]), (20, [look("a", sample(20, requests=20))]))

    assert 20 == window.of_canary.requests


def test_a_restart_is_understood_though_the_counter_outgrew_what_it_was() -> None:
    window = run((10, [look("a", sample(10, requests=50))]), (20, [look("a", sample(20, requests=80), restarts=1)]))

    assert (80, 1) == (window.of_canary.requests, window.restarts)


def test_a_pod_that_goes_keeps_what_it_gave() -> None:
    window = run(
        (10, [look("a", sample(10, requests=5)), look("b", sample(10, requests=5))]),
        (20, [look("a", sample(20, requests=9)), look("b", sample(20, requests=7))]),
        (30, [look("b", sample(30, requests=8))]),
    )

    assert 7 == window.of_canary.requests
    assert {"b"} == set(window.pods)


def test_the_same_sample_counts_once() -> None:
    same = look("a", sample(20, requests=530))

    assert 30 == run((10, [look("a", sample(10, requests=500))]), (20, [same]), (21, [same])).of_canary.requests


def test_an_answer_that_comes_late_adds_nothing() -> None:
    newer, older = look("a", sample(20, requests=530)), look("a", sample(15, requests=520))

    assert 30 == run((10, [look("a", sample(10, requests=500))]), (20, [newer]), (21, [older])).of_canary.requests


def test_a_silent_pod_adds_nothing_and_is_told() -> None:
    window = run((10, [look("a", sample(10, requests=500))]), (50, [look("a", None)]))

    assert 0 == window.of_canary.requests
    assert 1 == window.silent(CANARY, after(50), longer_than_s=30)
    assert 0 == window.silent(STABLE, after(50), longer_than_s=30)


def test_a_pod_that_never_spoke_is_silent_from_when_it_was_first_looked_at() -> None:
    window = run((10, [look("a", None)]), (30, [look("a", None)]))

    assert 0 == window.silent(CANARY, after(35), longer_than_s=30)
    assert 1 == window.silent(CANARY, after(41), longer_than_s=30)


def test_restarts_before_the_window_are_nobodys_fault() -> None:
    assert 0 == run((10, [look("a", None, restarts=7)]), (20, [look("a", None, restarts=7)])).restarts


def test_restarts_of_a_pod_born_inside_count_from_the_first() -> None:
    assert 2 == run((10, [look("a", None, started_s=1, restarts=2)])).restarts


def test_restarts_of_the_stable_are_not_the_canarys() -> None:
    stable = [look("s", None, revision=STABLE, restarts=count) for count in (0, 3)]

    assert 0 == run((10, stable[:1]), (20, stable[1:])).restarts


def test_requests_handed_on_are_not_the_stables_own() -> None:
    def both(at_s: float, count: int) -> Sample:
        return replace(sample(at_s, STABLE), requests={"stable": count, "canary": 7 * count})

    assert 10 == run((10, [look("s", both(10, 0))]), (20, [look("s", both(20, 10))])).of_stable.requests


def test_only_what_went_to_this_canary_counts() -> None:
    def sent(at_s: float, count: int) -> Sample:
        attempts = {CANARY: {"ok": 3 * count, "timeout": count}, "earlier": {"ok": 99 * count}}
        return sample(
            at_s, STABLE, route="stable", attempts=attempts, flips={CANARY: count}, compared={CANARY: 4 * count}
        )

    forwarding = run((10, [look("s", sent(10, 1))]), (20, [look("s", sent(20, 3))])).forwarding

    assert ({"ok": 6, "timeout": 2}, 8, 2) == (forwarding.attempts, forwarding.compared, forwarding.flips)


def test_pods_with_other_bins_make_the_histograms_worthless() -> None:
    def scored(at_s: float, edges: tuple[float, ...], count: int) -> Sample:
        return sample(at_s, requests=count, scores=Histogram(edges, (count, *(0 for _ in edges))))

    other = SCORE_EDGES[:-1]
    window = run(
        (10, [look("a", scored(10, SCORE_EDGES, 0)), look("b", scored(10, other, 0))]),
        (20, [look("a", scored(20, SCORE_EDGES, 5)), look("b", scored(20, other, 5))]),
    )

    assert window.of_canary.is_mixed
    assert 10 == window.of_canary.requests


def test_answers_beyond_a_limit_count_while_they_come_in_a_row() -> None:
    window = begin(CANARY, STABLE, START)
    for beyond in (True, True, None):
        window = note_answers(window, {"custom": beyond})

    assert {"custom": 2} == window.streaks
    assert {"custom": 0} == note_answers(window, {"custom": False}).streaks


steps = st.lists(
    st.one_of(
        st.integers(1, 50).map(lambda count: ("grow", count)),
        st.sampled_from([("restart", 0), ("crash", 0), ("silent", 0)]),
    ),
    max_size=30,
)


@given(steps)
def test_every_request_seen_is_counted_exactly_once(story: list[tuple[str, int]]) -> None:
    window = run((0, [look("a", sample(0, requests=100))]))
    cumulative, restarts, expected, hidden = 100, 0, 0, 0
    for moment, (what, count) in enumerate(story, start=1):
        if what in ("restart", "crash"):
            cumulative, restarts, hidden = 0, restarts + 1, 0  # what was not seen before is lost, never counted twice
        cumulative, hidden = cumulative + count, hidden + count
        seen = None if what in ("silent", "crash") else sample(moment, requests=cumulative)
        if seen is not None:
            expected, hidden = expected + hidden, 0
        window = run((moment, [look("a", seen, restarts=restarts)]), window=from_json(to_json(window)))

    assert expected == window.of_canary.requests
    assert restarts == window.restarts


def full(pods: int, inputs: int) -> Window:
    """A busy one: counters in the hundreds of millions."""
    latency = Histogram(LATENCY_EDGES, tuple(100_000_000 + index for index in range(len(LATENCY_EDGES) + 1)))
    scores = Histogram(SCORE_EDGES, tuple(50_000_000 + index for index in range(len(SCORE_EDGES) + 1)))

    def one(at_s: float, index: int) -> Sample:
        revision = STABLE if index % 2 else CANARY
        return Sample(
            at=after(at_s),
            revision=revision,
            requests={"peer": 1_800_000_000 + int(at_s)},
            errors={"peer": 1_000_000},
            latency={"peer": latency},
            scores=scores,
            baseline=scores,
            rows=1_900_000_000,
            missing={f"a_feature_with_a_long_name_{index}": 1_234_567 + index for index in range(inputs)},
            attempts={CANARY: {"ok": 900_000_000, "error": 12_345, "timeout": 1_234}},
            fallbacks={CANARY: {"error": 12_345}},
            compared={CANARY: 900_000_000},
            flips={CANARY: 9_000_000},
        )

    looks = [
        [look(f"00000000-0000-4000-8000-{index:012}", one(at_s, index)) for index in range(pods)] for at_s in (1, 2)
    ]
    return run((1, looks[0]), (2, looks[1]))


def test_evidence_of_fifty_pods_and_a_hundred_inputs_fits() -> None:
    assert len(to_json(full(50, 100))) < 100 * 1024


def test_evidence_reads_back_as_written() -> None:
    window = full(4, 10)

    assert window == from_json(to_json(window))


@pytest.mark.parametrize(
    "change",
    [
        {"form": 2},
        {"started": "yesterday"},
        {"started": "2026-11-25T08:00:00"},
        {"restarts": -1},
        {"restarts": True},
        {"names": None},
        {"pods": {"a": [0]}},
        {"ofCanary": [1, 0, [0, 1], None, 0, [], 0]},
    ],
    ids=repr,
)
def test_evidence_that_is_not_understood_is_none(change: dict[str, object]) -> None:
    body = json.loads(to_json(full(1, 1)))

    assert from_json(json.dumps({**body, **change})) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '{"form":1}'], ids=repr)
def test_what_is_no_evidence_is_none(text: str) -> None:
    assert from_json(text) is None
