"""What two pods do with one request, whatever tables they hold: no loop, one hop at most, and only what is granted."""

from dataclasses import replace
from typing import assert_never

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.routing import (
    NO_TABLE,
    Address,
    AnswerSelf,
    Canary,
    Mirror,
    PassOn,
    RoutingTable,
    Share,
    awaited_inputs,
    is_granted,
    task_of,
)

REVISIONS: tuple[str, ...] = ("a", "b", "c", "d", "")
PEERS = {name: Address(f"10.0.0.{index}", 8082) for index, name in enumerate(REVISIONS) if name}
NOW = 1000.0


@st.composite
def tables(draw: st.DrawFn) -> RoutingTable:
    """Whatever the reader lets through."""
    if draw(st.integers(0, 3)) == 0:
        return NO_TABLE
    stable, *others = draw(st.permutations(REVISIONS))
    superseded = frozenset(draw(st.lists(st.sampled_from(others), max_size=2)))
    free = [name for name in others if name and name not in superseded]
    canary = None
    if len(free) > 0 and draw(st.booleans()):
        mirror = draw(st.booleans())
        weight = 0 if mirror else draw(st.integers(0, 100))
        canary = Canary(draw(st.sampled_from(free)), weight, mirror, NOW + draw(st.sampled_from((-1, 0, 1))))
    peers = {name: at for name, at in PEERS.items() if draw(st.booleans()) or (canary and name == canary.revision)}
    return RoutingTable("m", 1, stable, superseded, peers=peers, canary=canary)


def _target(table: RoutingTable, revision: str) -> str | None:
    task = task_of(table, revision, NOW)
    match task:
        case AnswerSelf():
            return None
        case Share(_, canary) | Mirror(_, canary):
            return canary.revision
        case PassOn(_, to):
            return to
        case _:
            assert_never(task)


@given(tables(), tables(), st.sampled_from(REVISIONS))
def test_no_request_comes_back_to_whom_it_was_asked_from(
    own: RoutingTable, others: RoutingTable, revision: str
) -> None:
    target = _target(own, revision)
    if target is None:
        return
    task = task_of(own, revision, NOW)
    is_copy = isinstance(task, Mirror)
    answers = is_granted(others, target, caller=revision, is_copy=is_copy, now=NOW)

    assert target not in ("", revision)
    # Who is granted answers itself on the peer port, who is not is told so: either way the request ends there. And it
    # is granted only by a table in which it is that way round.
    assert not answers or others.stable in (revision, target)
    assert not answers or (others.stable == revision) is not (revision in others.superseded)


@given(tables(), st.sampled_from(REVISIONS), st.sampled_from(REVISIONS), st.booleans())
def test_grants_follow_the_table(table: RoutingTable, revision: str, caller: str, is_copy: bool) -> None:
    canary = table.canary
    is_in_force = canary is not None and revision == canary.revision and NOW < canary.not_after
    from_stable = table.stable != "" and caller == table.stable
    expected = {
        "share": is_in_force and from_stable and not is_copy and canary is not None and canary.weight > 0,
        "copy": is_in_force and from_stable and is_copy and canary is not None and canary.mirror,
        "passed on": revision != "" and revision == table.stable and caller in table.superseded and not is_copy,
    }

    assert any(expected.values()) == is_granted(table, revision, caller=caller, is_copy=is_copy, now=NOW)


@given(tables(), st.sampled_from(REVISIONS))
def test_who_follows_one_table_grants_what_it_asks_for(table: RoutingTable, revision: str) -> None:
    task, target = task_of(table, revision, NOW), _target(table, revision)
    if target is not None:
        assert is_granted(table, target, caller=revision, is_copy=isinstance(task, Mirror), now=NOW)


@given(tables(), st.sampled_from(REVISIONS))
def test_only_stable_pods_split_and_only_superseded_ones_pass_on(table: RoutingTable, revision: str) -> None:
    task = task_of(table, revision, NOW)

    assert revision == table.stable or not isinstance(task, Share | Mirror)
    assert revision in table.superseded or not isinstance(task, PassOn)


CANARY = Canary("c", 5, False, NOW + 1, awaits=("income",))
TABLE = RoutingTable("m", 1, "a", frozenset({"b"}), peers=PEERS, canary=CANARY)


@pytest.mark.parametrize(
    ("revision", "canary", "expected"),
    [
        ("a", CANARY, Share(PEERS["c"], CANARY)),
        ("a", replace(CANARY, weight=0), AnswerSelf()),
        ("a", replace(CANARY, not_after=NOW), AnswerSelf()),
        ("a", None, AnswerSelf()),
        ("b", CANARY, PassOn(PEERS["a"], "a")),
        ("c", CANARY, AnswerSelf()),
        ("d", CANARY, AnswerSelf()),
    ],
    ids=["stable", "weight 0", "past its time", "no canary", "superseded", "canary", "unlisted"],
)
def test_a_pod_has_a_task(revision: str, canary: Canary | None, expected: object) -> None:
    assert expected == task_of(replace(TABLE, canary=canary), revision, NOW)


def test_a_mirrored_canary_gets_copies() -> None:
    canary = replace(CANARY, weight=0, mirror=True)

    assert Mirror(PEERS["c"], canary) == task_of(replace(TABLE, canary=canary), "a", NOW)


@pytest.mark.parametrize(("revision", "expected"), [("a", ("income",)), ("b", ()), ("c", ()), ("", ())])
def test_stable_pods_look_for_awaited_inputs(revision: str, expected: tuple[str, ...]) -> None:
    assert expected == awaited_inputs(TABLE, revision)
