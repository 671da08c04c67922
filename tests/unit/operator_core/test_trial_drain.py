"""How a drain ends: when the old pods are idle, when time is up, and what becomes of callers whose revision died meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bankmodel_operator.core.observation import Report
from support.bankmodels import OTHER_DIGEST
from support.simulated_cluster import Simulation
from support.simulated_trials import ABORT, HTTP, PROMOTE, annotate, canary, climbing, pods_of


def _draining(simulation: Simulation | None = None, *, version: str = "2", digest: str = OTHER_DIGEST) -> Simulation:
    """Callers have just moved to another version; no pod has said anything yet."""
    if simulation is None:
        simulation = Simulation(model=HTTP)
        simulation.settle()
    simulation.serve_version(version, digest)
    simulation.reconcile()
    simulation.run_controllers()
    simulation.make_all_ready()
    simulation.reports.clear()
    simulation.reconcile()
    assert "Draining" == simulation.rollout["state"]
    return simulation


def _all_read(simulation: Simulation) -> None:
    simulation.read_tables()


def _idle_but_behind(simulation: Simulation) -> None:
    simulation.reports = {name: Report(generation=1, connections=0) for name in simulation.pods}


def _idle_and_nothing_read(simulation: Simulation) -> None:
    simulation.reports = {name: Report(connections=0) for name in simulation.pods}


def _one_new_pod_is_left(simulation: Simulation) -> None:
    simulation.read_tables()
    simulation.fail(pods_of(simulation, simulation.selected())[0])


def _new_pods_died(simulation: Simulation) -> None:
    for name in pods_of(simulation, simulation.selected()):
        simulation.fail(name)


def _all_died(simulation: Simulation) -> None:
    for name in simulation.pods:
        simulation.fail(name)


def _nothing(_: Simulation) -> None:
    """No pod says anything."""


_ENDS: dict[str, tuple[int, Callable[[Simulation], None], str]] = {
    "all read and idle, too soon": (1, _all_read, "Draining"),
    "all read and idle": (2, _all_read, "Serving"),
    "one new pod is enough": (2, _one_new_pod_is_left, "Serving"),
    "idle, by an older table": (2, _idle_but_behind, "Draining"),
    "idle, by no table": (2, _idle_and_nothing_read, "Draining"),
    "silent": (29, _nothing, "Draining"),
    "silent, to the end": (30, _nothing, "Serving"),
    "the new pods died": (29, _new_pods_died, "Draining"),
    "the new pods died, to the end": (30, _new_pods_died, "Progressing"),
    "nobody is left, to the end": (30, _all_died, "Serving"),
}


@pytest.mark.parametrize("case", _ENDS)
def test_a_drain_ends_when_the_old_pods_are_idle_or_time_is_up(case: str) -> None:
    seconds, happens, state = _ENDS[case]
    simulation = _draining()
    simulation.wait(seconds)
    happens(simulation)

    assert state == simulation.reconcile().state_name


def test_a_revision_that_is_taken_back_to_is_what_it_was() -> None:
    """Of two that were stable before, it is the newer one."""
    simulation = _draining()
    simulation.settle()
    before = dict(simulation.model["status"]["stable"])
    simulation.wait(60)
    _draining(simulation, version="3", digest="3" * 64)
    simulation.wait(30)
    _new_pods_died(simulation)
    simulation.reconcile()

    assert ("Progressing", before) == (simulation.rollout["state"], simulation.model["status"]["stable"])
    assert ["1"] == [each["version"] for each in simulation.model["status"]["history"]]


def _taken_back_in_bake() -> Simulation:
    """The new stable was ordered off, and none of the pods to return to is ready."""
    simulation = climbing()
    new = canary(simulation)
    annotate(simulation, PROMOTE, new)
    simulation.until("Baking")
    simulation.reconcile()
    for name in [each for each in simulation.pods if each not in pods_of(simulation, new)]:
        simulation.fail(name)
    annotate(simulation, ABORT, new)
    simulation.reconcile()
    return simulation


def test_callers_stay_with_a_rejected_revision_until_somebody_is_better() -> None:
    simulation = _taken_back_in_bake()
    rejected = simulation.selected()
    simulation.wait(30)
    simulation.reconcile()
    simulation.reconcile()

    assert ("Draining", rejected) == (simulation.rollout["state"], simulation.selected())

    simulation.make_all_ready()
    simulation.reconcile()
    simulation.reconcile()
    assert rejected != simulation.selected()
