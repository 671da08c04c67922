"""Whole rollouts and rollbacks under trouble: they get there, and nothing was ever there that must never be.

`make verify-rollout ITEM=2` does the same with every kind of trouble, at every write; here some of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.trial_faults import FAULTS, SHORT_LEASES, frozen_leader, killed, under_faults
from support.trials import BAD, GOOD, Trials, trials

_QUICK = FAULTS.keys() - {"delayed", "dropped"}
"""Those that are not about time."""
_TABLE_OF_THE_WITHDRAWAL = 19
"""About the number of that write in a rollback: late, because its sender froze."""


@pytest.fixture(scope="module")
def it(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], module_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trials]:
    settings = {"BANKMODEL_WORKERS": "8", **SHORT_LEASES}
    with trials(api, kubectl, module_namespace, tmp_path_factory.mktemp("trials"), **settings) as found:
        yield found


def test_trouble_between_operator_and_api_server_breaks_no_rule(it: Trials) -> None:
    trouble = under_faults(it, every=4, kinds=_QUICK)

    assert [] == it.broken_rules()
    assert _QUICK == {name for name, count in trouble.met.items() if count >= 5}


def test_an_operator_killed_on_its_way_breaks_no_rule(it: Trials) -> None:
    kills = killed(it, "struck", GOOD, (4, 9, 19, 32, 43).__contains__)

    assert kills == 5
    assert [] == it.broken_rules()


def test_a_leader_that_froze_changes_nothing_when_it_wakes(it: Trials) -> None:
    seen = frozen_leader(it, "frozen", _TABLE_OF_THE_WITHDRAWAL, BAD, is_on_its_way=True)

    assert [] == it.broken_rules()
    assert seen is not None
    assert seen.late in (201, 404, 409)  # a create has no fence: what nobody needs is pruned by whoever leads
    assert seen.exit_code == 1
