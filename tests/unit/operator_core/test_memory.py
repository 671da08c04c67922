"""Every state survives its journey through status; what cannot be read is held, not guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from bankmodel_operator.core.ladder import Ladder, Rung
from bankmodel_operator.core.memory import decode, encode
from bankmodel_operator.core.states import (
    Baking,
    Climbing,
    Draining,
    Fit,
    NotUnderstood,
    Preparing,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Unseen,
    Watched,
    Withdrawing,
)

moments = st.integers(0, 10**9).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
words = st.text("0123456789abcdef", min_size=10, max_size=10)
revisions = st.builds(Revision, revision=words, version=words, sha256=words, image=words, since=moments)
sizes = st.integers(1, 100)
spans = st.integers(0, 999_999).map(lambda seconds: timedelta(seconds=seconds))
rungs = st.lists(st.builds(Rung, st.integers(0, 99), spans), max_size=4)
ladders = st.builds(
    lambda below, hold, sticky: Ladder((*below, Rung(100, hold)), sticky),
    rungs,
    spans,
    st.none() | st.tuples(st.sampled_from(["parameter", "input"]), words),
)
fits = st.builds(Fit, st.lists(words, max_size=3).map(tuple), words)
watches = st.builds(Watched, spans, moments)
trial = {"stable": revisions, "canary": revisions, "capacity": sizes, "ladder": ladders, "started": moments}
states: st.SearchStrategy[State] = st.one_of(
    st.just(Unseen()),
    st.builds(Starting, revisions),
    st.builds(Serving, revisions),
    st.builds(Progressing, revisions, revisions, capacity=sizes),
    st.builds(Preparing, **trial, fit=st.none() | fits, is_exposed=st.booleans(), is_promoted=st.booleans()),
    st.builds(
        Climbing,
        **trial,
        rung=st.just(0),
        since=moments,
        fit=fits,
        watched=st.none() | watches,
        is_promoted=st.booleans(),
    ),
    st.builds(Withdrawing, revisions, revisions, sizes, sizes, since=moments, until=moments),
    st.builds(Baking, revisions, revisions, sizes, since=moments, watched=watches, is_ordered=st.booleans()),
    st.builds(Draining, revisions, words, capacity=sizes, since=moments, until=moments),
)


@settings(max_examples=60, deadline=None)
@given(states, moments)
def test_every_state_comes_back_as_it_was_saved(state: State, since: datetime) -> None:
    assert state == decode(encode(state, since))


STABLE = {"revision": "a", "since": "2026-11-24T08:00:00Z"}
UNREADABLE: dict[str, dict[str, Any]] = {
    "of a newer operator": {"rollout": {"state": "Bargaining"}, "stable": STABLE},
    "without its stable": {"rollout": {"state": "Serving"}},
    "without its target": {"rollout": {"state": "Progressing", "capacity": 2}, "stable": STABLE},
    "without its capacity": {"rollout": {"state": "Progressing", "target": STABLE}, "stable": STABLE},
    "with a time that is none": {"rollout": {"state": "Serving"}, "stable": {**STABLE, "since": "yesterday"}},
    "with nobody superseded": {"rollout": {"state": "Draining", "superseded": []}, "stable": STABLE},
    "on a rung that is not there": {
        "rollout": {
            "state": "Climbing",
            "capacity": 2,
            "started": "2026-11-24T08:00:00Z",
            "since": "2026-11-24T08:00:00Z",
            "step": 1,
            "fit": {"awaits": []},
            "ladder": {"rungs": [{"weight": 100, "hold": "0s"}]},
        },
        "stable": STABLE,
        "canary": STABLE,
    },
    "of the wrong type": {"rollout": {"state": "Starting", "target": "abc"}},
}


@pytest.mark.parametrize("status", UNREADABLE.values(), ids=UNREADABLE)
def test_a_state_that_cannot_be_read_is_not_guessed(status: dict[str, Any]) -> None:
    assert decode(status) == NotUnderstood(status["rollout"]["state"])


@pytest.mark.parametrize("status", [{}, {"rollout": {}}, {"conditions": []}], ids=["empty", "no state", "old"])
def test_a_status_without_a_state_is_unseen(status: dict[str, Any]) -> None:
    assert decode(status) == Unseen()
