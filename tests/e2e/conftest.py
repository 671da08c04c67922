"""The whole system on a real cluster: images, operator and the mortgage example once a session, a namespace per test.

`make test` starts the cluster before, so that its progress is seen; here it is taken as it is, and stopped at the end.
"""

import os
import uuid
from collections.abc import Iterator

import pytest

from support.kubectl import Kubectl
from system import mortgage
from system.installation import install_operator
from system.mortgage import Mortgage
from system.place import Place
from system.scene import Scene

_NAME = "test"


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """The cluster, with the images on it and the operator installed."""
    found = Place(os.environ.get("BANKMODEL_CLUSTER_NAME") or _NAME)
    found.up()
    yield found
    if not os.environ.get("BANKMODEL_KEEP_CLUSTER"):
        found.command("down")


@pytest.fixture(scope="session")
def images(place: Place) -> dict[str, str]:
    """How a pod names the image of each part; the operator runs."""
    found = place.images()
    install_operator(place, found)
    return found


@pytest.fixture(scope="session")
def example(place: Place) -> Mortgage:
    """Both versions of the mortgage model, their images on the node."""
    made = mortgage.make()
    made.load(place)
    return made


@pytest.fixture(scope="session")
def kubectl(place: Place) -> Kubectl:
    """As the administrator."""
    return place.kubectl


@pytest.fixture
def scene(place: Place, images: dict[str, str], example: Mortgage) -> Iterator[Scene]:
    """A namespace of the test's own, under the restricted Pod Security Standard."""
    name = f"desk-{uuid.uuid4().hex[:8]}"
    found = Scene(place, name, images, example)
    found.make_namespace()
    yield found
    place.kubectl("delete", "namespace", name, "--wait=false")
