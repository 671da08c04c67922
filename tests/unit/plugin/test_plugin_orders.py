"""What the orders write, and when they make no sense."""

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.conditions import Reason
from bankmodel_operator.core.emergency import is_aborted, is_promoted, pause as pause_of
from bankmodel_operator.core.observation import Observation
from bankmodel_operator.plugin import orders
from bankmodel_operator.plugin.errors import Refused
from bankmodel_operator.plugin.seen import Seen, seen
from support.saved_trials import (
    CANARY,
    NOW,
    REJECTED,
    STABLE,
    baking,
    climbing,
    draining,
    model_in,
    outlook,
    preparing,
    serving,
    withdrawing,
)

_ABORT, _PROMOTE, _PAUSED = (f"serving.bankmodel.io/{verb}" for verb in ("abort", "promote", "paused"))
_TAKEN_BACK = outlook(Reason.ROLLED_BACK, "It was taken back.", "Stuck")


@pytest.mark.parametrize("state", [preparing(), climbing(), baking()], ids=["preparing", "climbing", "baking"])
def test_promote_and_abort_name_the_revision_on_trial(state: Any) -> None:
    model = _seen(state)

    patches = [orders.promote(model).patch, orders.abort(model).patch]

    assert patches == [_annotated(_PROMOTE, CANARY.revision), _annotated(_ABORT, CANARY.revision)]


def test_the_operator_takes_them_as_they_are_written() -> None:
    given = [orders.promote(_seen(climbing())), orders.abort(_seen(climbing())), orders.pause(_seen(climbing()), "why")]
    annotations = {key: text for order in given for key, text in order.patch["metadata"]["annotations"].items()}

    found = Observation(BankModel.model_validate(model_in(climbing(), annotations=annotations)))

    assert is_promoted(found, CANARY.revision)
    assert is_aborted(found, CANARY.revision)
    assert f"the annotation {_PAUSED} says: why" == pause_of(found)


@pytest.mark.parametrize("state", [serving(), withdrawing(), draining()], ids=["serving", "withdrawing", "draining"])
def test_nothing_on_trial_is_nothing_to_promote_or_abort(state: Any) -> None:
    for order in (orders.promote, orders.abort):
        with pytest.raises(Refused, match="no revision of mortgage-approval is on trial or in bake"):
            order(_seen(state))


def test_what_was_taken_back_is_not_promoted_but_retried() -> None:
    with pytest.raises(Refused, match="kubectl bankmodel rollout retry mortgage-approval"):
        orders.promote(_seen(serving(), _TAKEN_BACK, rejected=[REJECTED]))


def test_an_abort_in_force_refuses_a_promotion() -> None:
    with pytest.raises(Refused, match="stands above a promotion"):
        orders.promote(_seen(climbing(), annotations={_ABORT: CANARY.revision}))


def test_an_abort_of_another_revision_is_no_obstacle() -> None:
    order = orders.promote(_seen(climbing(), annotations={_ABORT: "0000000000"}))

    assert order.patch == _annotated(_PROMOTE, CANARY.revision)


def test_a_promotion_says_what_it_waits_for() -> None:
    order = orders.promote(_seen(climbing(), annotations={_PAUSED: "by hand"}))

    assert order.notes == ("It waits until then: paused by annotation: by hand.",)


def test_abort_says_what_git_would_say() -> None:
    assert f"spec.model.version: '{STABLE.version}'" in orders.abort(_seen(climbing())).in_git[0]


@pytest.mark.parametrize(
    ("model", "lifted"),
    [
        (model_in(baking(is_ordered=True), annotations={_PROMOTE: CANARY.revision}), True),
        (model_in(baking(is_ordered=True)), False),
        (model_in(baking(), annotations={_PROMOTE: CANARY.revision}), False),
        (model_in(climbing(is_promoted=True), annotations={_PROMOTE: CANARY.revision}), False),
    ],
    ids=["used", "gone", "not-used", "not-in-bake"],
)
def test_the_order_that_promoted_is_lifted_before_the_same_order_ends_the_bake(
    model: dict[str, Any], lifted: bool
) -> None:
    order = orders.lift_used_promotion(seen(model))

    assert (order.patch if order else None) == (_annotated(_PROMOTE, None) if lifted else None)


def test_pause_takes_the_reason_as_one_line() -> None:
    assert orders.pause(_seen(climbing()), " fraud\nlooks ").patch == _annotated(_PAUSED, "fraud looks")


def test_a_pause_without_a_reason_would_pause_nothing() -> None:
    with pytest.raises(Refused, match="a pause needs a reason"):
        orders.pause(_seen(climbing()), "  ")


def test_resume_removes_the_annotation_and_says_what_holds_it_still() -> None:
    order = orders.resume(_seen(climbing(), annotations={_PAUSED: "x"}, spec={"rollout": {"paused": True}}))

    assert order.patch == _annotated(_PAUSED, None)
    assert order.notes == (
        "spec.rollout.paused is still true: set it to false in Git, or where the BankModel is written.",
    )


@pytest.mark.parametrize(
    ("spec", "said"), [({}, "Nothing else does"), ({"suspend": True}, "spec.suspend is still true")]
)
def test_resume_of_what_no_annotation_pauses_is_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        orders.resume(_seen(climbing(), spec=spec))


def test_retry_writes_the_spec_and_removes_the_old_orders_about_the_revision() -> None:
    old = {_ABORT: CANARY.revision, _PROMOTE: CANARY.revision, _PAUSED: "x"}

    order = orders.retry(_seen(serving(), _TAKEN_BACK, annotations=old, rejected=[REJECTED]), "INC-7", NOW)

    assert order.patch == {
        "spec": {"rollout": {"retry": "INC-7"}},
        "metadata": {"annotations": {_ABORT: None, _PROMOTE: None}},
    }
    assert order.in_git == ("spec:", "  rollout:", '    retry: "INC-7"')


def test_retry_leaves_orders_about_others_alone() -> None:
    model = _seen(serving(), _TAKEN_BACK, annotations={_ABORT: "0000000000"}, rejected=[REJECTED])

    assert orders.retry(model, "", NOW).patch == {"spec": {"rollout": {"retry": "2026-11-25T10:00:00Z"}}}


@pytest.mark.parametrize(
    ("model", "token", "said"),
    [
        (model_in(serving()), "1", "was not taken back"),
        (model_in(serving(), asked=STABLE, rejected=[REJECTED]), "1", "was not taken back"),
        (model_in(climbing(), rejected=[REJECTED]), "1", "is on trial, or in bake, already"),
        (model_in(serving(), rejected=[REJECTED], spec={"rollout": {"retry": "A"}}), "A", "'A' has been used"),
        (model_in(serving(), rejected=[{**REJECTED, "retry": "B"}]), "B", "'B' has been used"),
        (model_in(serving(), rejected=[REJECTED]), "x" * 65, "at most 64"),
    ],
    ids=["nothing", "another-model", "on-trial", "in-spec", "consumed", "too-long"],
)
def test_a_retry_that_would_try_nothing_is_refused(model: dict[str, Any], token: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        orders.retry(seen(model), token, NOW)


def _seen(*state: Any, **rest: Any) -> Seen:
    return seen(model_in(*state, **rest))


def _annotated(annotation: str, value: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {annotation: value}}}
