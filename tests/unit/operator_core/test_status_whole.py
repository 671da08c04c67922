"""What status says at each point of a model's life: times, history, scale, and what a newer operator left there."""

from __future__ import annotations

from support.bankmodels import DIGEST, OTHER_DIGEST
from support.simulated_cluster import Simulation

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}


def test_lead_time_counts_from_the_moment_the_model_was_applied() -> None:
    simulation = Simulation(model=HTTP)
    simulation.wait(2)
    simulation.reconcile()
    assert simulation.model["status"]["leadTime"]["applied"] == "2026-11-24T08:00:00Z"
    assert "ready" not in simulation.model["status"]["leadTime"]

    simulation.run_controllers()
    simulation.wait(5)
    simulation.make_all_ready()
    simulation.reconcile()

    assert simulation.model["status"]["leadTime"] == {
        "revision": simulation.model["status"]["stable"]["revision"],
        "applied": "2026-11-24T08:00:00Z",
        "ready": "2026-11-24T08:00:07Z",
        "promoted": "2026-11-24T08:00:07Z",
    }


def test_lead_time_of_a_change_counts_from_when_it_was_seen() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    simulation.wait(3600)
    simulation.serve_version("2", OTHER_DIGEST)

    simulation.reconcile()

    applied = simulation.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    target = simulation.rollout["target"]["revision"]
    assert {"revision": target, "applied": applied} == simulation.model["status"]["leadTime"]


def test_history_tells_what_was_live_when() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    since = simulation.model["status"]["stable"]["since"]
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.settle()

    (entry,) = simulation.model["status"]["history"]

    assert (DIGEST, "1", since) == (entry["sha256"], entry["version"], entry["from"])
    assert entry["until"] == simulation.model["status"]["stable"]["since"]


def test_history_ends_after_ten() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    for number in range(2, 14):
        simulation.serve_version(str(number), f"{number:064x}")
        simulation.settle()

    assert [entry["version"] for entry in simulation.model["status"]["history"]] == [
        str(number) for number in range(12, 2, -1)
    ]


def test_scale_counts_the_pods_that_answer() -> None:
    simulation = Simulation(model=HTTP, serving={"replicas": 3})
    simulation.settle()
    simulation.serve_version("2", OTHER_DIGEST)
    simulation.reconcile()
    simulation.run_controllers()
    simulation.reconcile()

    status = simulation.model["status"]

    assert len(simulation.pods) == 6
    assert status["replicas"] == 3
    assert status["selector"].endswith(f"serving.bankmodel.io/revision={simulation.selected()}")


def test_what_is_not_known_is_kept() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    simulation.edit_status(rejected=[{"revision": "aaaaaaaaaa"}])
    simulation.scale(3)

    simulation.settle()

    assert simulation.model["status"]["rejected"] == [{"revision": "aaaaaaaaaa"}]


def test_the_generation_acted_upon_is_said_in_status_and_in_each_condition() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()
    simulation.scale(3)

    simulation.reconcile()

    assert simulation.model["status"]["observedGeneration"] == 2
    assert {each["observedGeneration"] for each in simulation.model["status"]["conditions"]} == {2}


def test_the_url_is_there_from_the_first_moment() -> None:
    simulation = Simulation(model=HTTP)

    simulation.reconcile()

    assert simulation.model["status"]["url"].startswith("http://mortgage-approval.lending.svc/")
