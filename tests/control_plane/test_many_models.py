"""Twenty models under one operator, four of them rolling out at once. `make verify-rollout ITEM=5` does it with a thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.crowd import Crowd, crowd, seldom
from support.operator_process import eventually
from support.spent import spending

_DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def it(api: ApiOnlyCluster, kubectl: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    folder = tmp_path_factory.mktemp("crowd")
    with crowd(api, kubectl, folder, models=20, moving=4, BANKMODEL_RESYNC="2s") as found:
        found.apply(found.names, "1")
        found.until_serving(found.names, "1", deadline_s=_DEADLINE_S)
        yield found


def test_many_models_at_rest_are_looked_at_and_not_written(it: Crowd) -> None:
    it.until_idle(quiet_s=6.0)  # three resyncs, in which each was looked at
    passes = it.operator.passes()
    with spending(it.operator, it.audit, it.quiet[0][0]) as spent:
        seldom(lambda: it.operator.passes() >= passes + 40, deadline_s=_DEADLINE_S, what="each was looked at twice")

    assert {} == spent.writes


def test_some_roll_out_at_once_and_an_edit_does_not_wait_for_them(it: Crowd) -> None:
    it.apply(it.moving, "2")
    eventually(lambda: it.on_a_rung() > 0, deadline_s=_DEADLINE_S, what="one is on its way")
    it.edited(it.quiet[0], "2")
    are_still_moving = it.on_a_rung() > 0
    it.until_promoted([it.quiet[0], *it.moving], "2", deadline_s=_DEADLINE_S)

    assert are_still_moving
    assert [] == it.failed()
    assert [] == it.broken_rules()
