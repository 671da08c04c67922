"""Whole rollouts and rollbacks under trouble: they get there, and at no single write was anything there that must never be.

`make verify-rollout ITEM=2` does the same at every write, and with watches that are cut and silent; here some of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.trial_faults import FAULTS, SHORT_LEASES, frozen_leader, killed, under_faults
from support.trials import BAD, GOOD, Trials, trials

Kubectl = Callable[..., Any]
_SAVE_OF_A_STEP = 15
"""The number of a write in a promotion: late, because its sender froze."""


@pytest.fixture
def it(
    api: ApiOnlyCluster, kubectl: Kubectl, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trials]:
    settings = {"BANKMODEL_WORKERS": "8", **SHORT_LEASES}
    with trials(api, kubectl, namespace, tmp_path_factory.mktemp("trials"), **settings) as found:
        yield found


def test_trouble_between_operator_and_api_server_breaks_no_rule(it: Trials) -> None:
    trouble = under_faults(it, every=3)

    assert [] == it.broken_rules()
    assert set(FAULTS) == {name for name, count in trouble.met.items() if count >= 5}


@pytest.mark.parametrize(("version", "at"), [(GOOD, (4, 9, 19, 33, 43)), (BAD, (5, 16))], ids=["up", "back"])
def test_an_operator_killed_on_its_way_breaks_no_rule(it: Trials, version: str, at: tuple[int, ...]) -> None:
    kills = killed(it, "struck", version, at.__contains__)

    assert kills == len(at)
    assert [] == it.broken_rules()


def test_a_leader_that_froze_changes_nothing_when_it_wakes(it: Trials) -> None:
    seen = frozen_leader(it, "frozen", _SAVE_OF_A_STEP, GOOD, is_on_its_way=True)

    assert [] == it.broken_rules()
    assert seen is not None
    assert seen.late in (201, 404, 409)  # a create has no fence: what nobody needs is pruned by whoever leads
    assert seen.exit_code == 1
