"""A frozen leader's requests that are still on their way: each carries what was observed, so none of them wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.late_writes import KINDS, Late, late_writes


@pytest.fixture(scope="module")
def late(
    api: ApiOnlyCluster,
    kubectl: Callable[..., Any],
    module_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Late:
    """What came of them."""
    return late_writes(api, kubectl, module_namespace, tmp_path_factory.mktemp("late"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_write_conflicts(late: Late, kind: str) -> None:
    assert late.codes[kind] == 409


def test_late_writes_change_nothing(late: Late) -> None:
    assert late.changed == ()


def test_a_leader_that_was_replaced_while_it_froze_ends(late: Late) -> None:
    assert late.exit_code == 1
