"""Callers that ask the simulated cluster a few times an hour, and a whole trial of a sound model under them, on its clock.

The stable pods share requests out by the scoring container's own `Spread`; each answer takes a time drawn by chance. Used by the tests of the
rollout core and by item 7 of `make verify-rollout`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np

from bankmodel_operator.core import names
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_serving.split.choosing import Spread
from support.bankmodels import OTHER_DIGEST
from support.pod_counts import LATENCY_EDGES
from support.simulated_cluster import Simulation
from support.simulated_steps import drawn_latency
from support.simulated_trials import HTTP

__all__ = ["FewCallers", "Quiet", "quiet_trial"]

_NONE_YET = Histogram(LATENCY_EDGES, (0,) * (len(LATENCY_EDGES) + 1))
_LONGEST = timedelta(hours=720)


class FewCallers:
    """Every so many seconds one request, to the ready pods behind the Service in turn."""

    def __init__(self, simulation: Simulation, every_s: float, seed: int) -> None:
        self.sent = self.by_canary = 0
        self._simulation, self._every, self._next = simulation, timedelta(seconds=every_s), simulation.now
        self._draw, self._random = Random(seed), np.random.default_rng(seed)
        self._turns = itertools.count()
        self._spreads: dict[str, Spread] = {}

    def ask(self) -> None:
        """Send what is due by now."""
        while self._next <= self._simulation.now:
            self._next += self._every
            self._send()

    def _send(self) -> None:
        behind = self._pods(self._simulation.selected())
        pod = behind[next(self._turns) % len(behind)]
        grant = self._simulation.sends(pod)
        answers = self._answering(pod, grant)
        self.sent += 1
        if answers != pod:
            self.by_canary += 1
        self._count(answers)
        if grant.get("mirror"):
            self._count(self._pods(grant["revision"])[0])
        if answers != pod or grant.get("mirror"):
            self._simulation.attempted.setdefault(pod, {}).setdefault(grant["revision"], [0, 0])[0] += 1

    def _answering(self, pod: str, grant: Any) -> str:
        spread = self._spreads.setdefault(pod, Spread(lambda: self._draw.randrange(100)))
        if not grant.get("weight") or not spread.chooses(grant["weight"]):
            return pod
        return self._pods(grant["revision"])[0]

    def _count(self, pod: str) -> None:
        requests, errors = self._simulation.counted.get(pod, (0, 0))
        self._simulation.counted[pod] = requests + 1, errors
        took = drawn_latency(self._random, 1)
        self._simulation.durations[pod] = self._simulation.durations.get(pod, _NONE_YET).plus(took)

    def _pods(self, revision: str) -> list[str]:
        """Of this revision, the ready ones."""
        return [
            name
            for name, pod in self._simulation.pods.items()
            if pod["metadata"]["labels"][names.LABEL_REVISION] == revision
            and pod["status"]["conditions"][0]["status"] == "True"
        ]


@dataclass(frozen=True)
class Quiet:
    """A trial that is over. `way`: how long after the apply it was first in each place: `shadow`, a weight, `Baking`, `Serving`."""

    simulation: Simulation
    callers: FewCallers
    way: Mapping[str, timedelta]


def quiet_trial(*, every_s: float, look_s: float, seed: int = 1, **rollout: Any) -> Quiet:
    """A sound version 2 on trial under such callers, the pods asked every LOOK_S, until nothing is under way any more."""
    simulation = Simulation(model=HTTP, rollout=rollout)
    simulation.settings = replace(simulation.settings, scrape_interval=timedelta(seconds=look_s))
    simulation.settle()
    callers, began = FewCallers(simulation, every_s, seed), simulation.now
    simulation.serve_version("2", OTHER_DIGEST)
    way: dict[str, timedelta] = {}
    while simulation.now - began < _LONGEST:
        simulation.reconcile()
        way.setdefault(_place(simulation), simulation.now - began)
        if len(way) > 1 and simulation.rollout["state"] == "Serving":
            return Quiet(simulation, callers, way)
        simulation.run_controllers()
        simulation.make_all_ready()
        simulation.read_tables()
        callers.ask()
        simulation.ask_pods()
        simulation.wait(look_s)
    raise AssertionError(f"not over after {_LONGEST}: {simulation.model['status']}")


def _place(simulation: Simulation) -> str:
    state, weight = simulation.rollout["state"], simulation.rollout.get("weight", 0)
    return str(state) if state != "Climbing" else f"{weight} %" if weight else "shadow"
