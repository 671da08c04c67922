"""Each mistake a user can make shows as a condition with its own reason and a remedy, and the old revision goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.kubectl import Kubectl
from system.mistakes import MISTAKES, Told, make_mistakes
from system.mortgage import Mortgage
from system.place import Place
from system.scene import Scene


@pytest.fixture(scope="module")
def told(
    place: Place, images: dict[str, str], example: Mortgage, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Told]]:
    """All of them made at once, each on a model of its own."""
    scene = Scene(place, "mistakes", images, example)
    scene.make_namespace()
    folder: Path = tmp_path_factory.mktemp("mistakes")
    yield make_mistakes(scene, folder)
    kubectl("delete", "namespace", "mistakes", "--wait=false")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_remedy_and_the_old_revision_goes_on(name: str, told: dict[str, Told]) -> None:
    expected, found = MISTAKES[name], told[name]

    assert (expected.reason, True, "1") == (found.reason, found.is_available, found.still_serves)
    assert expected.says in found.message


def test_a_name_that_somebody_else_has_is_left_alone(scene: Scene) -> None:
    body = scene.manifest("1")
    name = body["metadata"]["name"]
    taken = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}
    scene.apply({**taken, "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}})

    scene.apply(body)

    assert f"Service {name}" in scene.stalls("NameTaken")["message"]
    assert {"app": "theirs"} == scene.get("service")["spec"]["selector"]
    assert [] == scene.items("deployments")
