"""Whether a canary fits to what callers send and expect: what it is compared by, how many requests it takes, and what people are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.analysis.samples import Sample
from bankmodel_operator.core.conditions import Reason
from bankmodel_operator.core.fit import compare, misfit
from bankmodel_operator.core.ladder import Rung
from bankmodel_operator.core.observation import Described, Observation, OutputDescribed, PodSeen, Report
from bankmodel_operator.core.states import Fit
from support import saved_trials
from support.bankmodels import a_bankmodel
from support.pod_counts import START
from support.simulated_pods import described

STABLE, CANARY = saved_trials.STABLE.revision, saved_trials.CANARY.revision
SHADOW, SHARE = saved_trials.LADDER.rungs[:2]


def pod(name: str, revision: str, report: Report | None) -> PodSeen:
    return PodSeen(name, name, revision, report=report)


def seen(*pods: PodSeen, **rollout: Any) -> Observation:
    return Observation(BankModel.model_validate(a_bankmodel(rollout=rollout)), pods=pods)


def compared(stable: Described | None, canary: Described | None) -> Fit | None:
    pods = pod("s", STABLE, Report(described=stable)), pod("c", CANARY, Report(described=canary))
    return compare(saved_trials.preparing(), seen(*pods))


@pytest.mark.parametrize(
    "both",
    [(None, described()), (described(), None), (None, None)],
    ids=["the stable is silent", "the canary is silent", "both are"],
)
def test_nothing_is_compared_before_both_have_described_themselves(both: Any) -> None:
    assert compared(*both) is None


def test_one_pod_of_each_is_enough() -> None:
    silent = pod("c1", CANARY, None), pod("c2", CANARY, Report()), pod("s1", STABLE, Report())
    speaking = pod("c3", CANARY, Report(described=described())), pod("s2", STABLE, Report(described=described()))

    assert Fit() == compare(saved_trials.preparing(), seen(*silent, *speaking))


def test_inputs_are_awaited_that_it_needs_and_the_stable_does_not_declare() -> None:
    canary = described(inputs=("term", "income", "age"))
    optional = replace(canary.inputs[0], name="nickname", is_required=False)

    assert Fit(("income", "term")) == compared(
        described(inputs=("age",)), replace(canary, inputs=(*canary.inputs, optional))
    )


SCORE, LABEL = OutputDescribed("score", "FP32", (-1, 1)), OutputDescribed("label", "INT64", (-1,))
OUTPUTS: dict[str, tuple[tuple[OutputDescribed, ...], str]] = {
    "as they were": ((LABEL, SCORE), ""),
    "one more": ((SCORE, LABEL, OutputDescribed("reason", "BYTES", (-1,))), ""),
    "one less": ((SCORE,), "output label is missing"),
    "of another type": ((replace(SCORE, datatype="FP64"), LABEL), "output score is FP64 [-1, 1], was FP32 [-1, 1]"),
    "of another shape": ((replace(SCORE, shape=(-1, 2)), LABEL), "output score is FP32 [-1, 2], was FP32 [-1, 1]"),
    "nothing of it": ((), "output score is missing; output label is missing"),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_how_its_outputs_differ_is_told(case: str) -> None:
    outputs, expected = OUTPUTS[case]
    stable = replace(described(), outputs=(SCORE, LABEL))
    found = compared(stable, replace(stable, outputs=outputs))

    assert found is not None
    assert expected == found.outputs


def looked_at(*pods: tuple[int, dict[str, int]], least: int = 100) -> Observation:
    """Stable pods that looked at so many requests, and how many lacked an input; one said nothing, one has no figures."""
    speaking = (
        pod(f"s{index}", STABLE, Report(sample=Sample(START, STABLE, awaited=awaited, absent=absent)))
        for index, (awaited, absent) in enumerate(pods)
    )
    return seen(*speaking, pod("silent", STABLE, None), pod("old", STABLE, Report()), minRequests=least)


AWAITS = Fit(("income", "term"))
SENT: dict[str, tuple[Observation, Reason | None, str]] = {
    "too few": (looked_at((60, {}), (39, {})), Reason.INPUTS_AWAITED, "income, term; 99 of 100 requests"),
    "enough": (looked_at((60, {}), (40, {})), None, ""),
    "too few, where few are enough": (looked_at((4, {}), least=5), Reason.INPUTS_AWAITED, "4 of 5 requests"),
    "few are enough": (looked_at((5, {}), least=5), None, ""),
    "more than that is not asked for": (looked_at((99, {}), least=5000), Reason.INPUTS_AWAITED, "99 of 100 requests"),
    "absent in one of a hundred": (looked_at((60, {"income": 1}), (40, {})), None, ""),
    "absent in two of a hundred": (
        looked_at((60, {"income": 1}), (20, {}), (20, {"income": 1})),
        Reason.INPUTS_NOT_SENT,
        "do not send: income (absent in 2 of 100 requests). Let",
    ),
    "both absent": (
        looked_at((100, {"income": 100, "term": 50})),
        Reason.INPUTS_NOT_SENT,
        "income (absent in 100 of 100 requests), term (absent in 50 of 100 requests)",
    ),
}


@pytest.mark.parametrize("rung", [SHADOW, SHARE], ids=["shadow", "share"])
@pytest.mark.parametrize("case", SENT)
def test_an_input_that_nobody_sends_keeps_it_from_every_rung(case: str, rung: Rung) -> None:
    observation, reason, words = SENT[case]
    found = misfit(AWAITS, rung, observation)

    assert reason == (found and found[0])
    assert words in (found[1] if found else "")


def test_other_outputs_keep_it_from_callers_and_not_from_copies() -> None:
    fit = Fit(outputs="output score is missing")
    found = misfit(fit, SHARE, looked_at())

    assert found is not None
    assert Reason.OUTPUTS_CHANGED == found[0]
    assert "output score is missing. Promote it by hand" in found[1]
    assert misfit(fit, SHADOW, looked_at()) is None


def test_what_fits_is_kept_from_nothing() -> None:
    assert misfit(Fit(), SHARE, looked_at()) is None
