"""What the running operator asks of the apiserver, by the audit log, against the table of its rights: the same, both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.audit import Request
from support.crashes import life
from support.every_right import use_every_right
from support.pod_monitor_kind import pod_monitor_kind
from support.rights import NEEDED, Right
from support.stage import stage, wide_stage

_Used = tuple[str, str, str]
_FINALIZERS = "bankmodels/finalizers"
"""No request of its own: an admission plugin asks for the right to update it when children are written."""


@pytest.fixture(scope="module")
def wide(
    api: ApiOnlyCluster,
    kubectl: Callable[..., Any],
    module_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Request]:
    """All that an operator for the whole cluster asked for."""
    with pod_monitor_kind(kubectl), wide_stage(api, kubectl, module_namespace, tmp_path_factory.mktemp("wide")) as it:
        offset = len(it.requests())
        it.operator.kill()
        kubectl("delete", "lease", "bankmodel-operator", "-n", it.account.namespace)
        it.operator.start()
        use_every_right(it)
        looked_after = ("", it.account.namespace, it.namespace)  # other tests' namespaces are on their way out
        return [each for each in it.requests()[offset:] if each.namespace in looked_after]


def used(requests: list[Request]) -> set[_Used]:
    return {(each.verb, each.group, each.resource) for each in requests if each.resource}


def granted(*scopes: str) -> set[_Used]:
    return {(right.verb, right.group, right.resource) for right in NEEDED if right.scope in scopes}


def test_it_asks_for_nothing_that_it_may_not(wide: list[Request]) -> None:
    assert [each for each in wide if each.code in (401, 403)] == []
    assert used(wide) - granted("watched", "own", "cluster") == set()


@pytest.mark.parametrize("right", [right for right in NEEDED if right.resource != _FINALIZERS], ids=str)
def test_each_right_is_used(wide: list[Request], right: Right) -> None:
    assert (right.verb, right.group, right.resource) in used(wide)


def test_an_operator_for_named_namespaces_needs_roles_only(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, tmp_path: Path
) -> None:
    with stage(api, kubectl, namespace, tmp_path) as it:
        life(it, "modest")
        requests = it.requests()

    assert [each for each in requests if each.code in (401, 403)] == []
    assert {each.namespace for each in requests if each.resource} == {namespace}
    assert used(requests) - granted("watched", "own") == set()
