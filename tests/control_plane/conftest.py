"""One real API server for the whole session, with the CRD installed; a fresh namespace for each test that asks."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.api_only import ApiOnlyCluster
from support.crd import install_crd
from support.kubectl import Kubectl


@pytest.fixture(scope="session")
def api() -> Iterator[ApiOnlyCluster]:
    """The cluster: etcd, API server, controller-manager, and a fake node on which pods become Ready."""
    with ApiOnlyCluster(kwok=True) as cluster:
        kubectl = Kubectl(Path(cluster.kubectl), cluster.kubeconfig)
        install_crd(kubectl)
        yield cluster


@pytest.fixture(scope="session")
def kubectl(api: ApiOnlyCluster) -> Kubectl:
    """Runs kubectl as the administrator."""
    return Kubectl(Path(api.kubectl), api.kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of the test's own; what is in it is removed in the background."""
    yield from _namespace(kubectl)


@pytest.fixture(scope="module")
def module_namespace(kubectl: Kubectl) -> Iterator[str]:
    """The same for all tests of a file."""
    yield from _namespace(kubectl)


def _namespace(kubectl: Kubectl) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:10]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
