"""Models on trial in the simulated cluster, where stories begin. Used by the tests of the rollout core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Simulation

__all__ = [
    "ABORT",
    "HTTP",
    "LADDER",
    "PAUSED",
    "PROMOTE",
    "annotate",
    "canary",
    "climbing",
    "go_short_of_pods",
    "on_trial",
    "pods_of",
    "rolled_back",
]

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}
LADDER: dict[str, Any] = {
    "steps": [{"weight": 10, "hold": "30s"}, {"weight": 50, "hold": "30s"}],
    "bake": "1m",
    "minRequests": 50,
}
ABORT = "serving.bankmodel.io/abort"
PROMOTE = "serving.bankmodel.io/promote"
PAUSED = "serving.bankmodel.io/paused"


def on_trial(**rollout: Any) -> Simulation:
    """A model that serves, and another digest asked for."""
    simulation = Simulation(model=HTTP, rollout={**LADDER, **rollout})
    simulation.settle()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    return simulation


def canary(simulation: Simulation) -> str:
    """The revision on trial."""
    return str(simulation.model["status"]["canary"]["revision"])


def annotate(simulation: Simulation, key: str, value: str) -> None:
    """Somebody gives an order."""
    simulation.model["metadata"].setdefault("annotations", {})[key] = value


def pods_of(simulation: Simulation, revision: str) -> list[str]:
    """The names of the revision's pods."""
    return [name for name in simulation.pods if revision in name]


def go_short_of_pods(simulation: Simulation, ready: Mapping[str, int], *, passes: int, requests: int) -> None:
    """A fair environment for so many passes, but that no more pods than these of a revision get ready."""
    for _ in range(passes):
        simulation.reconcile()
        simulation.run_controllers()
        simulation.make_all_ready()
        for revision, most in ready.items():
            for name in pods_of(simulation, revision)[most:]:
                simulation.fail(name)
        simulation.answer_requests(requests)
        simulation.wait(1)


def climbing(**rollout: Any) -> Simulation:
    """The canary is on its first rung."""
    simulation = on_trial(**rollout)
    simulation.until("Climbing")
    return simulation


def rolled_back() -> Simulation:
    """A canary failed a check and was taken back."""
    simulation = climbing()
    simulation.go(3, requests=10)
    simulation.until("Withdrawing", requests=5, errors=5)
    simulation.until("Serving")
    return simulation
