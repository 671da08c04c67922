"""When a model is looked at without an event, what its pods are asked meanwhile, and which of them are hurried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.core.attention import due_queries, is_at_rest, nudges, wants_descriptions, wants_reports
from bankmodel_operator.core.observation import Observation, PodSeen, Report
from bankmodel_operator.core.states import Fit, NotUnderstood, Progressing, Starting, State, Unseen
from support import saved_trials
from support.bankmodels import OTHER_DIGEST
from support.saved_trials import CANARY, NOW, STABLE
from support.simulated_cluster import SETTINGS, Simulation
from support.simulated_trials import ABORT, HTTP, LADDER, PROMOTE, annotate, canary, climbing, on_trial, pods_of

_EXPOSED = replace(saved_trials.preparing(), is_exposed=True)
_STATES: dict[str, State] = {
    "unseen": Unseen(),
    "starting": Starting(STABLE),
    "serving": saved_trials.serving(),
    "progressing": Progressing(STABLE, CANARY, 2),
    "preparing": saved_trials.preparing(),
    "preparing, and compared": replace(saved_trials.preparing(), fit=Fit()),
    "climbing": saved_trials.climbing(),
    "climbing, not yet in force": saved_trials.climbing(held=None),
    "withdrawing": saved_trials.withdrawing(),
    "baking": saved_trials.baking(),
    "draining": saved_trials.draining(),
    "not understood": NotUnderstood("Stepping"),
}


@pytest.mark.parametrize("case", _STATES)
def test_pods_are_asked_while_requests_move(case: str) -> None:
    moving = ("preparing", "preparing, and compared", "climbing", "climbing, not yet in force", "withdrawing")

    assert (case in (*moving, "baking", "draining")) == wants_reports(_STATES[case])


@pytest.mark.parametrize("case", _STATES)
def test_pods_describe_themselves_until_they_were_compared(case: str) -> None:
    assert (case == "preparing") == wants_descriptions(_STATES[case])


def _body(state: State, **metadata: int) -> dict[str, Any]:
    body = saved_trials.model_in(state)
    return {**body, "metadata": {**body["metadata"], **metadata}}


@pytest.mark.parametrize(
    ("body", "can_wait"),
    [
        (_body(saved_trials.serving()), True),
        (_body(saved_trials.serving(), generation=3), False),
        (_body(saved_trials.draining()), False),
        ({"metadata": {"generation": 1}}, False),
    ],
    ids=["serves", "its spec was not seen", "moves", "new"],
)
def test_a_model_that_serves_what_its_spec_asks_for_can_wait(body: dict[str, Any], can_wait: bool) -> None:
    assert can_wait == is_at_rest(body)


# Outside queries

_QUERY = {"address": "https://p.example", "query": "up", "max": "1"}
_CHECKS = [{"name": "outside", "prometheus": _QUERY}, {"name": "errors", "errorRate": {"max": "1%"}}]


def _queried(state: State, *, ago: float | None) -> list[str]:
    """`ago`: seconds since it was asked; None: never."""
    body = saved_trials.model_in(state, spec={"rollout": {"checks": _CHECKS}})
    seen = Observation(BankModel.model_validate({**body, "status": {}}), status=body["status"])
    known = {} if ago is None else {"outside": Answer(NOW - timedelta(seconds=ago), 0.5)}
    return list(due_queries(seen, known, SETTINGS, NOW))


@pytest.mark.parametrize(("ago", "is_due"), [(None, True), (5.0, True), (4.9, False)])
def test_an_outside_query_is_asked_as_often_as_the_pods(ago: float | None, is_due: bool) -> None:
    assert (["outside"] if is_due else []) == _queried(saved_trials.climbing(), ago=ago)


@pytest.mark.parametrize("case", [each for each in _STATES if each not in ("unseen", "not understood")])
def test_it_is_asked_on_a_rung_and_in_bake(case: str) -> None:
    assert (["outside"] if case in ("climbing", "baking") else []) == _queried(_STATES[case], ago=None)


# Pods that are hurried

_NUDGES: dict[str, tuple[str, Report | None, int, list[str]]] = {
    "never nudged": ("", None, 0, ["7"]),
    "never nudged, for a while": ("", None, 6, ["7.2"]),
    "never nudged, and the clock was put back": ("", None, -5, ["7"]),
    "nudged for another table": ("6.7", Report(generation=7), 2, ["7"]),
    "nudged, and silent": ("7", None, 3, []),
    "nudged, and follows": ("7", Report(generation=7), 3, []),
    "nudged twice, and follows": ("7.1", Report(generation=7), 6, []),
    "nudged, and behind": ("7", Report(generation=6), 2, []),
    "nudged, and behind for three seconds": ("7", Report(generation=6), 3, ["7.1"]),
    "nudged twice within three seconds": ("7.1", Report(generation=6), 5, []),
    "nudged, and does not say what it has read": ("7", Report(), 3, ["7.1"]),
}


def _nudged(state: State, *pods: PodSeen, generation: int = 7) -> list[tuple[str, str]]:
    seen = Observation(BankModel.model_validate({**saved_trials.model_in(state), "status": {}}), pods=pods)
    return [(each.pod, each.value) for each in nudges(state, seen, generation, NOW)]


@pytest.mark.parametrize("case", _NUDGES)
def test_a_pod_is_hurried_once_and_again_while_it_says_that_it_is_behind(case: str) -> None:
    mark, report, age, values = _NUDGES[case]
    state = replace(saved_trials.climbing(), since=NOW - timedelta(seconds=age))
    pod = PodSeen("pod", "uid", STABLE.revision, nudged=mark, report=report)

    assert [("pod", value) for value in values] == _nudged(state, pod)


def test_a_pod_that_has_read_nothing_is_behind_the_first_table() -> None:
    pod = PodSeen("pod", "uid", STABLE.revision, nudged="1", report=Report())
    state = replace(saved_trials.climbing(), since=NOW - timedelta(seconds=3))

    assert [("pod", "1.1")] == _nudged(state, pod, generation=1)


_HURRIED: dict[str, tuple[State, list[str]]] = {
    "climbing": (replace(saved_trials.climbing(), since=NOW), ["canary", "stable"]),
    "withdrawing": (saved_trials.withdrawing(), ["canary", "stable"]),
    "baking": (saved_trials.baking(held=timedelta(0)), ["canary", "stable"]),
    "draining": (saved_trials.draining(), ["canary", "stable"]),
    "back before the first rung": (replace(_EXPOSED, canary=replace(CANARY, since=NOW)), ["canary", "stable"]),
    "before the first rung": (saved_trials.preparing(), []),
    "serving": (saved_trials.serving(), []),
}


@pytest.mark.parametrize("case", _HURRIED)
def test_all_pods_of_both_revisions_are_hurried_while_requests_move(case: str) -> None:
    state, hurried = _HURRIED[case]
    pods = [PodSeen(name, name, each.revision) for name, each in (("stable", STABLE), ("canary", CANARY))]
    leaving = replace(pods[0], name="leaving", deleting=True)
    other = PodSeen("other", "other", "0123456789")

    assert hurried == sorted(name for name, _ in _nudged(state, *pods, leaving, other))


# The next look


def _new(*, after: float, is_running: bool) -> Simulation:
    """A model that waits for its first pods, so long after it was seen."""
    simulation = Simulation(model=HTTP)
    simulation.reconcile()
    if is_running:
        simulation.run_controllers()
        for name in simulation.pods:
            simulation.fail(name)
    simulation.wait(after)
    return simulation


def _changing(*, after: float) -> Simulation:
    """Another revision beside the stable, without a trial, and not ready."""
    simulation = Simulation(model=HTTP)
    simulation.settle()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.wait(after)
    return simulation


def _serving() -> Simulation:
    simulation = Simulation(model=HTTP, rollout=LADDER)
    simulation.settle()
    return simulation


def _prepared(*, after: float) -> Simulation:
    simulation = on_trial()
    simulation.wait(after)
    return simulation


def _in_force() -> Simulation:
    simulation = climbing()
    simulation.go(3)
    return simulation


def _unconfirmed() -> Simulation:
    simulation = climbing()
    simulation.reports.clear()
    return simulation


def _lost() -> Simulation:
    simulation = _in_force()
    for name in pods_of(simulation, canary(simulation)):
        simulation.fail(name)
    return simulation


def _withdrawing() -> Simulation:
    simulation = _in_force()
    annotate(simulation, ABORT, canary(simulation))
    return simulation


def _withdrawn() -> Simulation:
    simulation = _withdrawing()
    simulation.go(2)
    return simulation


def _suspended(simulation: Simulation) -> Simulation:
    simulation.edit(suspend=True)
    return simulation


def _not_understood() -> Simulation:
    simulation = _serving()
    simulation.edit_status(rollout={"state": "Stepping"})
    return simulation


def _compared() -> Simulation:
    simulation = on_trial()
    simulation.run_controllers()
    simulation.make_all_ready()
    simulation.ask_pods()
    return simulation


def _blocked() -> Simulation:
    simulation = Simulation(model=HTTP)
    simulation.put_foreign("v1", "Service", simulation.name)
    return simulation


_LOOKS: dict[str, tuple[Callable[[], Simulation], float | None]] = {
    "serves": (_serving, None),
    "starts, and no pod runs": (lambda: _new(after=10, is_running=False), 590),
    "starts, and a pod runs": (lambda: _new(after=10, is_running=True), 2),
    "starts, to the deadline": (lambda: _new(after=600, is_running=False), None),
    "starts, beyond the deadline": (lambda: _new(after=601, is_running=False), None),
    "a pod runs, beyond the deadline": (lambda: _new(after=601, is_running=True), 30),
    "changes without a trial": (lambda: _changing(after=10), 590),
    "is blocked": (_blocked, 5),
    "prepares": (lambda: _prepared(after=10), 2),
    "prepares, beyond the deadline": (lambda: _prepared(after=601), 30),
    "was compared": (_compared, 0),
    "gets a weight": (_unconfirmed, 0.5),
    "has a weight": (_in_force, 5),
    "lost its canary": (_lost, 2),
    "withdraws": (_withdrawing, 0.5),
    "has withdrawn": (_withdrawn, 0),
    "is suspended": (lambda: _suspended(_serving()), None),
    "is suspended with a canary that had requests": (lambda: _suspended(_in_force()), 2),
    "is suspended with a canary that had none": (lambda: _suspended(_prepared(after=10)), None),
    "is not understood": (_not_understood, None),
}


@pytest.mark.parametrize("case", _LOOKS)
def test_the_next_look_comes_when_there_may_be_something_to_do(case: str) -> None:
    simulation, seconds = _LOOKS[case][0](), _LOOKS[case][1]
    due = simulation.reconcile().requeue_after

    assert seconds == (None if due is None else due.total_seconds())


def test_a_bake_is_looked_at_as_often_as_a_rung_and_a_drain_like_a_move() -> None:
    simulation = climbing(bake="30s")
    annotate(simulation, PROMOTE, canary(simulation))
    simulation.until("Baking")
    in_bake = simulation.reconcile().requeue_after
    simulation.until("Draining", seconds=15)
    simulation.reports.clear()
    in_drain = simulation.reconcile().requeue_after

    assert (timedelta(seconds=5), timedelta(milliseconds=500)) == (in_bake, in_drain)
