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
def test_a_late_write_is_refused(late: Late, kind: str) -> None:
    """As a conflict, or because the very object it was meant for is gone."""
    assert late.codes[kind] in (409, 404)


def test_late_writes_change_nothing(late: Late) -> None:
    assert late.changed == ()


def test_a_leader_that_was_replaced_while_it_froze_ends(late: Late) -> None:
    assert late.exit_code == 1
