"""Killed at any write, the operator converges to the same objects: it saves first, then acts, and every act may be repeated.

Every single k is `make verify-operator`'s; here a few on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.crashes import CRASHES, Life, life, life_with_crash
from support.shapes import differences
from support.stage import Stage, stage

Kubectl = Callable[..., Any]


@pytest.fixture(scope="module")
def trial(
    api: ApiOnlyCluster, kubectl: Kubectl, module_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, Life]]:
    """An operator, and a life that it looked after without a crash."""
    with stage(api, kubectl, module_namespace, tmp_path_factory.mktemp("crashes")) as it:
        yield it, life(it, "steady")


@pytest.mark.parametrize("at", CRASHES)
def test_a_crash_at_one_write_converges_to_the_same(trial: tuple[Stage, Life], at: int) -> None:
    it, expected = trial
    crashed = life_with_crash(it, f"struck{at}", lambda number: number == at)

    assert crashed.kills == 1
    assert differences(expected.made, crashed.made) == []


def test_a_crash_at_every_fifth_write_converges_to_the_same(trial: tuple[Stage, Life]) -> None:
    it, expected = trial
    crashed = life_with_crash(it, "struck", lambda number: number % 5 == 3)

    assert crashed.kills > 4
    assert differences(expected.made, crashed.made) == []


def test_a_crash_while_a_model_is_deleted_leaves_nothing(trial: tuple[Stage, Life]) -> None:
    it, expected = trial
    crashed = life_with_crash(it, "orphaned", lambda _: False, is_fatal_at_delete=True)

    assert crashed.kills == 1
    assert differences(expected.made, crashed.made) == []
