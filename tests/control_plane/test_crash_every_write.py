"""Killed at any write, the operator converges to the same objects: it saves first, then acts, and every act may be repeated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.crashes import CRASHES, life, life_with_crash
from support.stage import stage

Kubectl = Callable[..., Any]


def test_a_crash_after_every_single_write_converges_to_the_same(
    api: ApiOnlyCluster, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    """The hardest case: no process lives for longer than one write."""
    with stage(api, kubectl, namespace, tmp_path) as it:
        expected = life(it, "steady")
        crashed = life_with_crash(it, "struck", lambda _: True)

    assert crashed.writes > 15
    assert crashed.made == expected.made


@pytest.mark.parametrize("at", CRASHES)
def test_a_crash_at_one_write_converges_to_the_same(
    api: ApiOnlyCluster, kubectl: Kubectl, namespace: str, tmp_path: Path, at: int
) -> None:
    """Every k-th is `make verify-operator`'s; here a few on the way."""
    with stage(api, kubectl, namespace, tmp_path) as it:
        expected = life(it, "steady")
        crashed = life_with_crash(it, "struck", lambda number: number == at)

    assert crashed.made == expected.made
