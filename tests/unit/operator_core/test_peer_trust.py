"""A certificate that is no good between pods is told before a trial begins, with the remedy, and holds its first step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bankmodel_operator.core.observation import Certificate, Peers, Report
from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Simulation
from support.simulated_pods import START
from support.simulated_trials import HTTP, LADDER, PROMOTE, annotate, canary

TLS: dict[str, Any] = {"replicas": 2, "tls": {"secretName": "mortgage-tls"}}
OTHER_TLS: dict[str, Any] = {"replicas": 2, "tls": {"secretName": "another-tls"}}
PLAIN: dict[str, Any] = {"replicas": 2}
GOOD = Peers("ab", frozenset(), "")
SERVERS_ONLY = Peers("ab", frozenset(), "unsuitable certificate purpose")
SIGNED = Peers("ab", frozenset(("ca", "old")), "")
SIGNED_TOO = Peers("cd", frozenset(("ca",)), "")
STRANGER = Peers("cd", frozenset(("other",)), "")
REASON = "CertificateNotForPeers"

HELD: dict[str, tuple[dict[str, Any], dict[str, Any], Peers | None, Peers | None, str]] = {
    "for servers alone": (TLS, TLS, SERVERS_ONLY, SERVERS_ONLY, "cert-manager: usages: [server auth, client auth]"),
    "the canary's alone": (TLS, OTHER_TLS, GOOD, SERVERS_ONLY, "The certificate in Secret another-tls can't be shown"),
    "of two authorities": (TLS, OTHER_TLS, SIGNED, STRANGER, "(Secret mortgage-tls and another-tls)"),
    "TLS is new": (PLAIN, TLS, None, GOOD, "Change spec.serving.tls with the stable model first"),
    "TLS is gone": (TLS, PLAIN, GOOD, None, "Change spec.serving.tls with the stable model first"),
}
FREE: dict[str, tuple[dict[str, Any], dict[str, Any], Peers | None, Peers | None]] = {
    "the same": (TLS, TLS, GOOD, GOOD),
    "one authority": (TLS, OTHER_TLS, SIGNED, SIGNED_TOO),
    "an older image does not say": (TLS, TLS, None, GOOD),
    "no TLS": (PLAIN, PLAIN, None, None),
}


@pytest.mark.parametrize("case", HELD)
def test_a_canary_that_no_pod_could_reach_gets_no_step_and_the_remedy_is_told(case: str) -> None:
    before, after, stable, coming, words = HELD[case]
    simulation = asked(before, after)
    events = tell(simulation, stable, coming)

    assert "Preparing" == simulation.rollout["state"]
    assert ("True", REASON) == tuple(simulation.condition("Stalled")[key] for key in ("status", "reason"))
    assert words in simulation.condition("Stalled")["message"]
    assert ["Warning"] == [each.type for each in events if each.reason == REASON and words in each.message][:1]


@pytest.mark.parametrize("case", FREE)
def test_what_pods_trust_or_say_nothing_of_holds_nothing(case: str) -> None:
    before, after, stable, coming = FREE[case]
    simulation = asked(before, after)
    tell(simulation, stable, coming)

    assert "Climbing" == simulation.rollout["state"]


def test_a_better_secret_lets_the_trial_go_on_by_itself() -> None:
    simulation = asked(TLS, TLS)
    tell(simulation, SERVERS_ONLY, SERVERS_ONLY)
    tell(simulation, GOOD, GOOD)

    assert "Climbing" == simulation.rollout["state"]


def test_who_promotes_needs_no_trust_between_pods() -> None:
    simulation = asked(TLS, TLS)
    tell(simulation, SERVERS_ONLY, SERVERS_ONLY)
    annotate(simulation, PROMOTE, canary(simulation))
    tell(simulation, SERVERS_ONLY, SERVERS_ONLY)

    assert "Baking" == simulation.rollout["state"]


def test_a_record_that_was_deleted_by_hand_tells_of_tls_all_the_same() -> None:
    simulation = asked(TLS, TLS)
    for key in [each for each in simulation.objects if each[0] == "ControllerRevision"]:
        del simulation.objects[key]
    tell(simulation, GOOD, GOOD)

    assert "Climbing" == simulation.rollout["state"]


def test_it_is_told_long_before_a_canary_comes_and_only_once() -> None:
    simulation = at_rest()
    events = show(simulation, SERVERS_ONLY)

    said = simulation.condition("CertificateValid")
    assert ("True", REASON) == (said["status"], said["reason"])
    assert "usages: [server auth, client auth]" in said["message"]
    assert [("Warning", REASON)] == [(each.type, each.reason) for each in events]
    assert () == simulation.reconcile().events
    assert "True" == simulation.condition("Ready")["status"]


def test_silence_takes_nothing_of_it_back_and_a_better_certificate_does() -> None:
    simulation = at_rest()
    show(simulation, SERVERS_ONLY)
    simulation.reports.clear()
    simulation.reconcile()
    assert REASON == simulation.condition("CertificateValid")["reason"]

    show(simulation, GOOD)
    assert "Valid" == simulation.condition("CertificateValid")["reason"]


def test_a_model_that_has_no_trials_is_not_alarmed() -> None:
    simulation = at_rest(rollout={"steps": []})
    show(simulation, SERVERS_ONLY)

    assert "Valid" == simulation.condition("CertificateValid")["reason"]


def asked(before: dict[str, Any], after: dict[str, Any]) -> Simulation:
    """A model that serves, and another digest asked for, with these `spec.serving`."""
    simulation = Simulation(model=HTTP, rollout=LADDER, serving=before)
    simulation.settle()
    simulation.edit(serving=after)
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    return simulation


def tell(simulation: Simulation, stable: Peers | None, coming: Peers | None) -> list[Any]:
    """The pods of both report this while the canary gets ready; all events meanwhile."""
    events: list[Any] = []
    revision = simulation.model["status"]["stable"]["revision"]
    for _ in range(8):
        simulation.run_controllers()
        for name in simulation.pods:
            simulation.make_ready(name)
        simulation.read_tables()
        for name in simulation.pods:
            shown = stable if revision in name else coming
            simulation.reports[name] = replace(simulation.reports.get(name, Report()), peers=shown)
        events += simulation.reconcile().events
        simulation.wait(1)
    return events


def at_rest(**spec: Any) -> Simulation:
    simulation = Simulation(**{"model": {**HTTP, "sha256": DIGEST}, "rollout": LADDER, "serving": TLS, **spec})
    simulation.settle()
    return simulation


def show(simulation: Simulation, shown: Peers) -> tuple[Any, ...]:
    certificate = Certificate(START.replace(year=2026), START.replace(year=2027))
    for name in simulation.pods:
        known = simulation.reports.get(name, Report())
        simulation.reports[name] = replace(known, certificate=certificate, peers=shown)
    return simulation.reconcile().events
