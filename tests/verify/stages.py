"""The cluster, operator and example that the items are measured on; made once a run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from system import mortgage
from system.installation import install_operator
from system.mortgage import Mortgage
from system.place import Place
from system.scene import Scene

__all__ = ["place", "scene_in"]

_NAME = "verify"


@cache
def place() -> Place:
    """A cluster of its own, so that nothing else disturbs the figures."""
    found = Place(os.environ.get("BANKMODEL_CLUSTER_NAME") or _NAME)
    found.up()
    return found


@contextmanager
def scene_in(namespace: str) -> Iterator[Scene]:
    """A namespace with nothing in it, the operator running; removed at the end."""
    images, made = _installed()
    found = Scene(place(), namespace, images, made)
    kubectl = place().kubectl
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=50s")
    found.make_namespace()
    try:
        yield found
    finally:
        kubectl("delete", "namespace", namespace, "--timeout=50s", check=False)


@cache
def _installed() -> tuple[dict[str, str], Mortgage]:
    images, made = place().images(), mortgage.make()
    made.load(place())
    install_operator(place(), images)
    return images, made
