"""Every state survives its journey through status; what cannot be read is held, not guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from bankmodel_operator.core.memory import decode, encode
from bankmodel_operator.core.states import (
    Draining,
    NotUnderstood,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Unseen,
)

moments = st.integers(0, 10**9).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
words = st.text("0123456789abcdef", min_size=10, max_size=10)
revisions = st.builds(Revision, revision=words, version=words, sha256=words, image=words, since=moments)
sizes = st.integers(1, 100)
states: st.SearchStrategy[State] = st.one_of(
    st.just(Unseen()),
    st.builds(Starting, revisions),
    st.builds(Serving, revisions),
    st.builds(Progressing, revisions, revisions, capacity=sizes),
    st.builds(Draining, revisions, words, capacity=sizes, since=moments, until=moments),
)


@settings(max_examples=60, deadline=None)
@given(states, moments)
def test_every_state_comes_back_as_it_was_saved(state: State, since: datetime) -> None:
    stable, rollout = encode(state, since)

    assert state == decode({"stable": stable, "rollout": rollout})


STABLE = {"revision": "a", "since": "2026-11-24T08:00:00Z"}
UNREADABLE: dict[str, dict[str, Any]] = {
    "of a newer operator": {"rollout": {"state": "Stepping"}, "stable": STABLE},
    "without its stable": {"rollout": {"state": "Serving"}},
    "without its target": {"rollout": {"state": "Progressing", "capacity": 2}, "stable": STABLE},
    "without its capacity": {"rollout": {"state": "Progressing", "target": STABLE}, "stable": STABLE},
    "with a time that is none": {"rollout": {"state": "Serving"}, "stable": {**STABLE, "since": "yesterday"}},
    "with nobody superseded": {"rollout": {"state": "Draining", "superseded": []}, "stable": STABLE},
    "of the wrong type": {"rollout": {"state": "Starting", "target": "abc"}},
}


@pytest.mark.parametrize("status", UNREADABLE.values(), ids=UNREADABLE)
def test_a_state_that_cannot_be_read_is_not_guessed(status: dict[str, Any]) -> None:
    assert decode(status) == NotUnderstood(status["rollout"]["state"])


@pytest.mark.parametrize("status", [{}, {"rollout": {}}, {"conditions": []}], ids=["empty", "no state", "old"])
def test_a_status_without_a_state_is_unseen(status: dict[str, Any]) -> None:
    assert decode(status) == Unseen()
