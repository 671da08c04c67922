"""Every state survives its journey through status; what cannot be read is held, not guessed."""

from __future__ import annotations

from dataclasses import replace
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
from support import saved_trials

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
    st.builds(
        Preparing,
        **trial,
        fit=st.none() | fits,
        is_exposed=st.booleans(),
        is_promoted=st.booleans(),
        is_spent=st.booleans(),
    ),
    st.builds(
        Climbing,
        **trial,
        rung=st.just(0),
        since=moments,
        fit=fits,
        watched=st.none() | watches,
        is_promoted=st.booleans(),
        is_spent=st.booleans(),
    ),
    st.builds(Withdrawing, revisions, revisions, sizes, sizes, since=moments, until=moments),
    st.builds(
        Baking,
        revisions,
        revisions,
        sizes,
        since=moments,
        watched=watches,
        is_ordered=st.booleans(),
        ladder=st.none() | ladders,
    ),
    st.builds(Draining, revisions, words, capacity=sizes, since=moments, until=moments),
)


@settings(max_examples=60, deadline=None)
@given(states, moments)
def test_every_state_comes_back_as_it_was_saved(state: State, since: datetime) -> None:
    assert state == decode(encode(state, since))


NEW = saved_trials.preparing()
BAKES = saved_trials.baking()
MARKED: dict[str, State] = {
    "given back its requests": replace(NEW, is_exposed=True),
    "promoted before its first rung": replace(NEW, is_promoted=True),
    "tried again under an old order": replace(NEW, is_spent=True),
    "compared": replace(NEW, fit=Fit(("income",), "output score is missing")),
    "with a shadow, and with nobody kept": replace(NEW, ladder=replace(NEW.ladder, sticky=None)),
    "on the shadow": saved_trials.climbing(0),
    "on the last rung": saved_trials.climbing(3),
    "back by a rung": replace(saved_trials.climbing(1), highest=2),
    "back on the first of two rungs": replace(
        saved_trials.climbing(0), highest=1, ladder=Ladder(saved_trials.LADDER.rungs[2:])
    ),
    "on the only rung": replace(saved_trials.climbing(0), ladder=Ladder(saved_trials.LADDER.rungs[3:])),
    "not in force": saved_trials.climbing(held=None),
    "promoted on its way": saved_trials.climbing(is_promoted=True),
    "on its way again under an old order": replace(saved_trials.climbing(), is_spent=True),
    "baking": BAKES,
    "baking by order": replace(BAKES, is_ordered=True),
    "baking after a lost status": replace(BAKES, ladder=None),
}


@pytest.mark.parametrize("state", MARKED.values(), ids=MARKED)
def test_every_mark_of_a_trial_comes_back(state: State) -> None:
    assert state == decode(encode(state, saved_trials.BEGAN))


SAYS: dict[str, tuple[State, dict[str, Any]]] = {
    "Starting": (Starting(saved_trials.STABLE), {"weight": 0, "since": "2026-11-25T09:30:00Z"}),
    "Serving": (Serving(saved_trials.STABLE), {"weight": 0, "since": "2026-11-25T09:30:00Z"}),
    "Progressing": (Progressing(saved_trials.STABLE, saved_trials.CANARY, 2), {"weight": 0, "capacity": 2}),
    "Preparing": (NEW, {"weight": 0, "since": "2026-11-25T09:30:00Z", "started": "2026-11-25T09:30:00Z"}),
    "Climbing": (saved_trials.climbing(2), {"weight": 50, "step": 2, "highestStep": 2}),
    "Withdrawing": (saved_trials.withdrawing(), {"weight": 0, "canaryCapacity": 1, "until": "2026-11-25T10:10:00Z"}),
    "Baking": (BAKES, {"superseded": [saved_trials.STABLE.revision], "watched": {"held": "4m", "seen": "2026-11-25T10:00:00Z"}}),
    "Draining": (saved_trials.draining(), {"weight": 0, "superseded": [saved_trials.STABLE.revision]}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAYS)
def test_people_can_read_the_state_and_its_weight(name: str) -> None:
    state, says = SAYS[name]
    rollout = encode(state, saved_trials.BEGAN)["rollout"]

    assert {"state": name, **says} == {key: rollout[key] for key in ("state", *says)}


def test_a_mark_that_is_not_set_is_not_there() -> None:
    """The API server keeps what it is sent: a `false` would stand there for people to wonder about."""
    rung, bake = (encode(each, saved_trials.BEGAN)["rollout"] for each in (saved_trials.climbing(1, held=None), BAKES))
    new = encode(NEW, saved_trials.BEGAN)["rollout"]

    assert not {"promotionOrdered", "promotionSpent", "exposed", "fit"} & {*new}
    assert not {"promotionOrdered", "promotionSpent", "exposed", "mirror", "watched"} & {*rung}
    assert "promotionOrdered" not in bake
    assert encode(saved_trials.climbing(0), saved_trials.BEGAN)["rollout"].keys() >= {"mirror", "watched"}
    assert "highestStep" not in encode(saved_trials.climbing(0), saved_trials.BEGAN)["rollout"]


STABLE = {"revision": "a", "since": "2026-11-24T08:00:00Z"}
LADDER = {"rungs": [{"weight": 10, "hold": "1m"}, {"weight": 100, "hold": "0s"}]}


def on_rung(**changed: Any) -> dict[str, Any]:
    """A canary on the first rung, with nothing more than there must be; None takes a part out."""
    rollout = {
        "state": "Climbing",
        "capacity": 2,
        "started": "2026-11-24T08:00:00Z",
        "since": "2026-11-24T08:00:00Z",
        "step": 0,
        "fit": {},
        "ladder": LADDER,
        **changed,
    }
    return {
        "rollout": {key: part for key, part in rollout.items() if part is not None},
        "stable": STABLE,
        "canary": STABLE,
    }


def bakes(**changed: Any) -> dict[str, Any]:
    rollout = {
        "state": "Baking",
        "capacity": 2,
        "before": STABLE,
        "since": "2026-11-24T08:00:00Z",
        "watched": {"held": "0s", "seen": "2026-11-24T08:00:00Z"},
        **changed,
    }
    return {"rollout": rollout, "stable": STABLE}


def test_what_an_operator_before_did_not_save_is_nothing() -> None:
    found = decode(on_rung())

    assert isinstance(found, Climbing)
    assert (Fit(), 0, None, False, False, None) == (
        found.fit,
        found.highest,
        found.watched,
        found.is_promoted,
        found.is_spent,
        found.ladder.sticky,
    )
    assert ("", "", "") == (found.stable.version, found.stable.sha256, found.stable.image)


UNREADABLE: dict[str, dict[str, Any]] = {
    "of a newer operator": {"rollout": {"state": "Bargaining"}, "stable": STABLE},
    "without its stable": {"rollout": {"state": "Serving"}},
    "without its target": {"rollout": {"state": "Progressing", "capacity": 2}, "stable": STABLE},
    "without its capacity": {"rollout": {"state": "Progressing", "target": STABLE}, "stable": STABLE},
    "with a time that is none": {"rollout": {"state": "Serving"}, "stable": {**STABLE, "since": "yesterday"}},
    "with nobody superseded": {"rollout": {"state": "Draining", "superseded": []}, "stable": STABLE},
    "on a rung that is not there": on_rung(step=2),
    "on a rung before the first": on_rung(step=-1),
    "that was on a rung that is not there": on_rung(highestStep=2),
    "that was on a rung before the first": on_rung(highestStep=-1),
    "on no rung": on_rung(step=None),
    "on a rung, and not compared": on_rung(fit=None),
    "with a ladder that leads nowhere": on_rung(ladder={"rungs": LADDER["rungs"][:1]}),
    "with a ladder that goes on at its end": on_rung(ladder={"rungs": LADDER["rungs"][::-1]}),
    "with no ladder": on_rung(ladder={"rungs": []}),
    "in a bake that nobody watches": bakes(watched=None),
    "in a bake with a ladder that leads nowhere": bakes(ladder={"rungs": LADDER["rungs"][:1]}),
    "of the wrong type": {"rollout": {"state": "Starting", "target": "abc"}},
}


@pytest.mark.parametrize("status", UNREADABLE.values(), ids=UNREADABLE)
def test_a_state_that_cannot_be_read_is_not_guessed(status: dict[str, Any]) -> None:
    assert decode(status) == NotUnderstood(status["rollout"]["state"])


@pytest.mark.parametrize("status", [{}, {"rollout": {}}, {"conditions": []}], ids=["empty", "no state", "old"])
def test_a_status_without_a_state_is_unseen(status: dict[str, Any]) -> None:
    assert decode(status) == Unseen()
