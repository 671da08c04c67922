"""The ladder that a spec asks for, and the pods that each of its rungs needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel, Rollout
from bankmodel_operator.core.ladder import Ladder, Rung, is_without_trial, ladder_of
from support.bankmodels import a_bankmodel

_STEPS = [{"weight": 5, "hold": "1m"}, {"weight": 50, "hold": "2m"}]
_RUNGS: dict[str, tuple[dict[str, Any], list[tuple[int, int]]]] = {
    "steps": ({"steps": _STEPS}, [(5, 60), (50, 120), (100, 0)]),
    "a shadow before them": ({"steps": _STEPS, "shadow": {"hold": "3m"}}, [(0, 180), (5, 60), (50, 120), (100, 0)]),
    "only a shadow": ({"steps": [], "shadow": {"hold": "3m"}}, [(0, 180), (100, 0)]),
    "a hold at the end": ({"steps": [*_STEPS, {"weight": 100, "hold": "4m"}]}, [(5, 60), (50, 120), (100, 240)]),
    "only the end": ({"steps": [{"weight": 100, "hold": "4m"}]}, [(100, 240)]),
}
_LADDER = Ladder(tuple(Rung(weight, timedelta(0)) for weight in (0, 1, 10, 26, 50, 100)))


def _asked(**rollout: Any) -> Rollout:
    return BankModel.model_validate(a_bankmodel(rollout=rollout)).spec.rollout


@pytest.mark.parametrize("case", _RUNGS)
def test_the_rungs_are_the_shadow_the_steps_and_everything(case: str) -> None:
    asked, rungs = _RUNGS[case]

    assert rungs == [(each.weight, each.hold.total_seconds()) for each in ladder_of(_asked(**asked)).rungs]


@pytest.mark.parametrize("case", _RUNGS)
def test_the_first_rung_may_be_a_shadow_and_the_last_is_whole(case: str) -> None:
    asked, rungs = _RUNGS[case]
    found = ladder_of(_asked(**asked)).rungs

    assert [weight == 0 for weight, _ in rungs] == [each.is_shadow for each in found]
    assert [*(False for _ in rungs[1:]), True] == [each.is_last for each in found]


@pytest.mark.parametrize(
    ("asked", "is_without"),
    [({"steps": []}, True), ({"steps": _STEPS}, False), ({"steps": [], "shadow": {"hold": "3m"}}, False)],
    ids=["nothing", "steps", "only a shadow"],
)
def test_without_steps_and_shadow_there_is_no_trial(asked: dict[str, Any], is_without: bool) -> None:
    assert is_without == is_without_trial(_asked(**asked))


@pytest.mark.parametrize(
    ("asked", "sticky"),
    [
        (None, None),
        ({"parameter": "customer_id"}, ("parameter", "customer_id")),
        ({"input": "account"}, ("input", "account")),
    ],
    ids=["nobody", "by parameter", "by input"],
)
def test_requests_stick_by_what_the_spec_says(asked: dict[str, str] | None, sticky: tuple[str, str] | None) -> None:
    assert sticky == ladder_of(_asked(steps=_STEPS, stickyBy=asked)).sticky


@pytest.mark.parametrize(
    ("whole", "pods"), [(1, [1, 1, 1, 1, 1, 1]), (4, [4, 1, 1, 2, 2, 4]), (10, [10, 1, 1, 3, 5, 10])]
)
def test_a_rung_needs_its_share_of_the_pods_and_a_shadow_all(whole: int, pods: list[int]) -> None:
    assert pods == [_LADDER.capacity(rung, whole) for rung in range(6)]


def test_the_pods_for_the_next_rung_are_there_in_time() -> None:
    assert [10, 1, 3, 5, 10, 10] == [_LADDER.capacity_from(rung, 10) for rung in range(6)]
