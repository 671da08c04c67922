"""No request is lost: an update under load, and a pod deleted under load."""

from system.scene import Scene
from system.traffic import delete_a_pod_under_load, update_under_load


def test_an_update_loses_no_request(scene: Scene) -> None:
    summary = update_under_load(scene, rate=100, seconds=15)

    assert ([], 1500) == (summary["examples"], summary["answered"])
    assert {"1", "2"} == set(summary["versions"])


def test_a_deleted_pod_loses_no_request(scene: Scene) -> None:
    summary = delete_a_pod_under_load(scene, rate=100, seconds=10)

    assert ([], 1000) == (summary["examples"], summary["answered"])
