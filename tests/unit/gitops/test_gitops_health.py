"""What Argo CD (by the shipped Lua) and Flux (by kstatus) take a BankModel for, at every step of its life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bankmodel_operator.core.conditions import STALLING, Outlook, Reason
from support.argocd import argo_health
from support.bankmodels import DIGEST, OTHER_DIGEST
from support.kstatus import kstatus
from support.saved_trials import CANARY, STABLE, baking, climbing, model_in, outlook, preparing, serving
from support.simulated_cluster import Simulation

_PAUSED = {"serving.bankmodel.io/paused": "fraud team looks at it"}
_SERVES = Outlook("Done", Reason.SERVING, "It serves.")
_MOVES = outlook(Reason.ON_STEP, "It gets 5 %.")
_BACK = outlook(Reason.ROLLED_BACK, "It was taken back: 9% of 212 requests failed.", "Stuck")
_NONE_ANSWERS = {"type": "Available", "status": "False", "reason": "Unavailable", "message": "No pod is ready."}


def _with(model: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**model, "metadata": {**model["metadata"], **metadata}}


def _unavailable(model: dict[str, Any]) -> dict[str, Any]:
    others = [each for each in model["status"]["conditions"] if each["type"] != "Available"]
    return {**model, "status": {**model["status"], "conditions": [*others, _NONE_ANSWERS]}}


_TABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "serves": (model_in(serving(CANARY), _SERVES), "Healthy", "Current"),
    "prepares": (model_in(preparing(), outlook(Reason.PREPARING, "m")), "Progressing", "InProgress"),
    "on a step": (model_in(climbing(), _MOVES), "Progressing", "InProgress"),
    "paused": (
        model_in(climbing(), outlook(Reason.PAUSED, "m"), annotations=_PAUSED),
        "Suspended",
        "InProgress",
    ),
    "paused with nothing to hold": (model_in(serving(CANARY), _SERVES, annotations=_PAUSED), "Healthy", "Current"),
    "suspended": (
        model_in(serving(CANARY), Outlook("Done", Reason.SUSPENDED, "m"), spec={"suspend": True}),
        "Suspended",
        "Current",
    ),
    "bakes": (model_in(baking(), outlook(Reason.BAKING, "m")), "Progressing", "InProgress"),
    "rolled back": (model_in(serving(), _BACK), "Degraded", "Failed"),
    "a stuck canary that is paused": (
        model_in(preparing(), outlook(Reason.INPUTS_NOT_SENT, "m", "Stuck"), annotations=_PAUSED),
        "Degraded",
        "Failed",
    ),
    "nobody answers": (_unavailable(model_in(serving(), outlook(Reason.SCALING, "m"))), "Degraded", "InProgress"),
    "an older spec was rolled back": (_with(model_in(serving(), _BACK), generation=3), "Progressing", "InProgress"),
    "an older spec serves": (_with(model_in(serving(), _SERVES), generation=3), "Progressing", "InProgress"),
    "a newer operator's state": (
        model_in(serving(), Outlook("Unsure", Reason.NOT_UNDERSTOOD, "m")),
        "Degraded",
        "Failed",
    ),
    "being deleted": (
        _with(model_in(serving(), _SERVES), deletionTimestamp="2026-11-25T10:00:00Z"),
        "Progressing",
        "Terminating",
    ),
}


@pytest.mark.parametrize(("model", "argo", "flux"), _TABLE.values(), ids=_TABLE)
def test_argo_cd_and_flux_see_it_as_it_is(model: dict[str, Any], argo: str, flux: str) -> None:
    assert (argo, flux) == (argo_health(model)[0], kstatus(model))


@pytest.mark.parametrize("reason", sorted(STALLING - {Reason.NOT_UNDERSTOOD}))
def test_every_reason_to_stall_is_a_failure(reason: Reason) -> None:
    model = model_in(serving(), outlook(reason, "m", "Stuck"))

    assert ("Degraded", "Failed") == (argo_health(model)[0], kstatus(model))


def test_argo_cd_says_why_it_was_rolled_back() -> None:
    assert ("Degraded", "RolledBack: It was taken back: 9% of 212 requests failed.") == argo_health(
        model_in(serving(), _BACK)
    )


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": 2}], ids=["none", "empty", "no-conditions"])
def test_argo_cd_does_not_call_well_what_nobody_looked_at(status: dict[str, Any] | None) -> None:
    assert "Progressing" == argo_health({**model_in(serving(), _SERVES), "status": status})[0]


def test_a_first_revision_that_starts_is_not_degraded() -> None:
    model = _unavailable(model_in(serving(), outlook(Reason.STARTING, "m")))
    del model["status"]["stable"]

    assert "Progressing" == argo_health(model)[0]


def test_over_a_whole_trial_both_say_done_only_when_it_is() -> None:
    seen = [(each.rollout["state"], *_views(each)) for each in _a_trial()]

    states = {state for state, *_ in seen}
    assert {"Preparing", "Climbing", "Baking", "Draining"} <= states
    assert set() == {each for each in seen if each[0] != "Serving" and each[1:] != ("Progressing", "InProgress")}
    assert ("Serving", "Healthy", "Current") == seen[-1]


def test_a_rollback_stays_a_failure_however_often_git_applies_the_same() -> None:
    simulation = _serving()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.until("Climbing")
    simulation.go(3, requests=10)
    simulation.until("Withdrawing", requests=5, errors=5)
    simulation.until("Serving")

    views = []
    for _ in range(3):
        simulation.edit()
        views.append(_views(simulation))  # before the operator looks
        simulation.go(10)
        views.append(_views(simulation))

    assert [("Progressing", "InProgress"), ("Degraded", "Failed")] * 3 == views
    assert STABLE.sha256 == simulation.model["status"]["stable"]["sha256"]


def _views(simulation: Simulation) -> tuple[str, str]:
    return argo_health(simulation.model)[0], kstatus(simulation.model)


def _serving() -> Simulation:
    source = {"image": None, "http": {"url": "https://m.example/m"}}
    steps = [{"weight": 10, "hold": "30s"}, {"weight": 50, "hold": "30s"}]
    rollout = {"steps": steps, "bake": "1m", "minRequests": 50}
    simulation = Simulation(model={"version": "1", "sha256": DIGEST, "source": source}, rollout=rollout)
    simulation.settle()
    return simulation


def _a_trial() -> Iterator[Simulation]:
    """After every pass, until the new model serves."""
    simulation = _serving()
    simulation.serve_version("2", OTHER_DIGEST)
    for _ in range(400):
        simulation.go(requests=5)
        yield simulation
        is_done = simulation.rollout["state"] == "Serving"
        if is_done and simulation.condition("Ready")["status"] == "True":
            return
    raise AssertionError("the trial does not end")
