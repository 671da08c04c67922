"""Orders by annotation: whom they are for, and what of them people are told."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.emergency import is_aborted, is_promoted, pause
from bankmodel_operator.core.observation import Observation
from support.bankmodels import a_bankmodel
from support.simulated_trials import ABORT, PAUSED, PROMOTE


def ordered(annotations: dict[str, str], **rollout: Any) -> Observation:
    model = a_bankmodel(rollout=rollout)
    model["metadata"]["annotations"] = annotations
    return Observation(BankModel.model_validate(model))


@pytest.mark.parametrize(
    ("said", "expected"),
    [("aa11", True), (" aa11\n", True), ("aa1", False), ("aa112", False), ("", False)],
    ids=["it", "with blanks", "a part of its name", "another", "nothing"],
)
def test_an_order_is_for_the_revision_it_names(said: str, expected: bool) -> None:
    assert (expected, False) == _orders(ordered({ABORT: said}))
    assert (False, expected) == _orders(ordered({PROMOTE: said}))


def test_without_an_order_nothing_is_ordered() -> None:
    assert (False, False) == _orders(ordered({}))
    assert "" == pause(ordered({}))


def _orders(observation: Observation) -> tuple[bool, bool]:
    return is_aborted(observation, "aa11"), is_promoted(observation, "aa11")


def test_why_it_is_paused_is_told_in_the_words_of_whoever_did() -> None:
    assert f"the annotation {PAUSED} says: audit" == pause(ordered({PAUSED: " audit "}, paused=True))
    assert "spec.rollout.paused is true" == pause(ordered({PAUSED: " "}, paused=True))


def test_a_long_reason_is_cut() -> None:
    assert pause(ordered({PAUSED: "x" * 201})).endswith(f" {'x' * 200}")
