"""An operator that brings gRPC takes over models whose pods were made before it: none restarts, no port leads nowhere."""

from __future__ import annotations

import json
from typing import Any

from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Simulation

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}


def _made_before_grpc() -> Simulation:
    """A settled model whose record and Deployment an older operator made."""
    simulation = Simulation(model=HTTP)
    simulation.settle()
    for kind in ("ControllerRevision", "Deployment"):
        (live,) = simulation.of_kind(kind)
        older = json.loads(json.dumps(live))
        template = older["data" if kind == "ControllerRevision" else "spec"]["template"]
        container = template["spec"]["containers"][0]
        container["ports"] = [each for each in container["ports"] if each["name"] != "grpc"]
        simulation.objects[kind, live["metadata"]["name"]] = older
    simulation.settle()
    return simulation


def _ports(simulation: Simulation, revision: str = "") -> dict[str, dict[str, Any]]:
    name = f"{simulation.name}-{revision}" if revision else simulation.name
    return {each["name"]: each for each in simulation.get("Service", name)["spec"]["ports"]}


def test_a_new_model_is_called_over_grpc_on_port_9000() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()

    assert {"http", "grpc"} == set(_ports(simulation))
    assert {"http", "grpc", "peer", "metrics"} == set(_ports(simulation, simulation.selected()))
    assert (9000, "grpc", "kubernetes.io/h2c") == tuple(
        _ports(simulation)["grpc"][key] for key in ("port", "targetPort", "appProtocol")
    )


def test_old_pods_are_left_alone_and_their_services_have_no_port_that_leads_nowhere() -> None:
    simulation = _made_before_grpc()
    (deployment,) = simulation.of_kind("Deployment")
    writes = simulation.writes
    simulation.reconcile()

    assert writes == simulation.writes
    assert {"http", "peer", "metrics"} == {
        each["name"] for each in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
    }
    assert {"http"} == set(_ports(simulation))
    assert {"http", "peer", "metrics"} == set(_ports(simulation, simulation.selected()))


def test_the_next_revision_brings_the_port_to_the_stable_service_with_its_callers() -> None:
    simulation = _made_before_grpc()
    old = simulation.selected()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    before = simulation.selected(), set(_ports(simulation))
    simulation.settle()

    assert (old, {"http"}) == before
    assert old != simulation.selected()
    assert {"http", "grpc"} == set(_ports(simulation))
