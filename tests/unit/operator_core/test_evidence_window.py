"""Which window a pass judges, what it adds, and what of it is kept over a restart of the operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.analysis.evidence import to_json
from bankmodel_operator.core.analysis.figures import Counts, Forwarding
from bankmodel_operator.core.analysis.samples import Sample
from bankmodel_operator.core.analysis.verdicts import Answer, CheckResult, Verdict
from bankmodel_operator.core.analysis.window import Memory, Window, begin
from bankmodel_operator.core.evidence import Evidence, gather, to_keep, window_after
from bankmodel_operator.core.observation import ContainerSeen, CoreSettings, Observation, PodSeen, Report
from bankmodel_operator.core.states import Baking, State
from support import saved_trials
from support.bankmodels import a_bankmodel

NOW, RUNG = saved_trials.NOW, saved_trials.climbing(1)
BEGUN = begin(RUNG.canary.revision, RUNG.stable.revision, RUNG.since)
SETTINGS = CoreSettings("serving:1", "bankmodel-system")
MODEL = {"name": "m", "namespace": "lending"}
QUERY = {"name": "losses", "prometheus": {"address": "http://p", "query": "up", "max": "2"}}


def seen(*pods: PodSeen, kept: str = "", rollout: dict[str, Any] | None = None, **fields: Any) -> Observation:
    """`kept`: what the evidence ConfigMap holds."""
    evidence = {"kind": "ConfigMap", "metadata": {"name": "m-evidence"}, "data": {"window.json": kept}}
    model = BankModel.model_validate(a_bankmodel(**MODEL, rollout=rollout or {}))
    return Observation(model, owned=(evidence,) if kept else (), pods=pods, **fields)


def pod(revision: str, requests: int, *, at: Any = NOW, ended: str = "") -> PodSeen:
    sample = Sample(at, revision, requests={"peer": requests})
    containers = (ContainerSeen("serving", running=True, ended=ended),)
    return PodSeen(revision, revision, revision, containers=containers, report=Report(sample=sample))


def counted(requests: int, **fields: Any) -> Window:
    """The window of this rung, with so many requests of the canary and its pod's figures as they were a second ago."""
    was = Memory(BEGUN.canary, NOW - timedelta(seconds=1), 0, Counts(100))
    return replace(
        BEGUN, of_canary=Counts(requests), last=NOW - timedelta(seconds=1), pods={BEGUN.canary: was}, **fields
    )


def requests_after(state: State = RUNG, *pods: PodSeen, **known: Any) -> int:
    window = gather(state, seen(*(pods or (pod(BEGUN.canary, 107),)), **known), SETTINGS, NOW).window
    assert window is not None
    return window.of_canary.requests


OTHER = replace(counted(20), started=BEGUN.started - timedelta(minutes=10))
KNOWN: dict[str, tuple[dict[str, Any], int]] = {
    "nothing": ({}, 0),
    "in memory": ({"window": counted(20)}, 27),
    "in memory, of another rung": ({"window": OTHER}, 0),
    "in memory, of another canary": ({"window": replace(counted(20), canary="before")}, 0),
    "in memory, beside another stable": ({"window": replace(counted(20), stable="before")}, 0),
    "kept": ({"kept": to_json(counted(30))}, 37),
    "kept, of another rung": ({"kept": to_json(OTHER)}, 0),
    "kept, and not understood": ({"kept": "{}"}, 0),
    "in memory and kept": ({"window": counted(20), "kept": to_json(counted(30))}, 27),
    "of another rung in memory, of this one kept": ({"window": OTHER, "kept": to_json(counted(30))}, 37),
}


@pytest.mark.parametrize(("known", "expected"), KNOWN.values(), ids=KNOWN)
def test_evidence_goes_on_from_what_is_known_of_this_rung(known: dict[str, Any], expected: int) -> None:
    assert expected == requests_after(**known)


def test_where_nothing_is_tried_nothing_is_gathered() -> None:
    state = saved_trials.serving()

    assert Evidence() == gather(state, seen(pod(BEGUN.canary, 7)), SETTINGS, NOW)
    assert window_after(state, Evidence(), seen(), NOW) is None
    assert "" == to_keep(None, seen(kept=to_json(counted(20))))


def test_no_evidence_is_no_success_and_no_fault() -> None:
    assert (None, False, False) == (Evidence().first_fail, Evidence().has_passed, Evidence().is_infrastructure)


def result(verdict: Verdict) -> CheckResult:
    return CheckResult("it", verdict, "", "")


PASS, FAIL, UNKNOWN = map(result, Verdict)


@pytest.mark.parametrize(
    ("results", "has_passed", "first_fail"),
    [((PASS,), True, None), ((PASS, UNKNOWN), False, None), ((PASS, FAIL, UNKNOWN), False, FAIL)],
    ids=["all", "not all", "one failed"],
)
def test_evidence_passes_when_every_check_does(
    results: tuple[CheckResult, ...], has_passed: bool, first_fail: CheckResult | None
) -> None:
    found = Evidence(results=results)

    assert (has_passed, first_fail) == (found.has_passed, found.first_fail)


def checks_named(state: State) -> list[str]:
    given = {
        "errors": {"errorRate": {"max": "1%"}},
        "flips": {"decisionFlips": {"max": "1%"}},
        "fallbacks": {"fallbackRate": {"max": "1%"}},
    }
    rollout = {"checks": [{"name": name, **limits} for name, limits in given.items()]}
    return [each.name for each in gather(state, seen(rollout=rollout), SETTINGS, NOW).results]


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (saved_trials.climbing(0), ["errors", "flips", "restarts"]),
        (RUNG, ["errors", "fallbacks", "restarts"]),
        (saved_trials.baking(), ["errors", "restarts"]),
    ],
    ids=["shadow", "share", "bake"],
)
def test_a_rung_is_judged_by_what_can_be_measured_there(state: State, names: list[str]) -> None:
    assert names == checks_named(state)


@pytest.mark.parametrize(("ended", "expected"), [("OOMKilled", True), ("Error", False)], ids=["memory", "a crash"])
def test_a_canary_that_ran_out_of_memory_may_be_tried_again(ended: str, expected: bool) -> None:
    found = gather(RUNG, seen(pod(BEGUN.canary, 0, ended=ended)), SETTINGS, NOW)

    assert expected is found.is_infrastructure


def test_that_the_stable_ran_out_of_memory_is_not_the_canarys() -> None:
    assert not gather(RUNG, seen(pod(BEGUN.stable, 0, ended="OOMKilled")), SETTINGS, NOW).is_infrastructure


DEADLINE = 300  # of the rung, which began five minutes before


@pytest.mark.parametrize(
    ("deadline_s", "counted_in"), [(DEADLINE + 1, False), (DEADLINE, True)], ids=["within", "at its end"]
)
def test_attempts_that_met_nobody_are_let_off_within_the_deadline(deadline_s: int, counted_in: bool) -> None:
    window = counted(20, forwarding=Forwarding({"ok": 5, "unreachable": 9}))
    observation = seen(window=window, rollout={"progressDeadline": f"{deadline_s}s"})
    found = gather(RUNG, observation, SETTINGS, NOW)

    assert found.window is not None
    assert counted_in is ("unreachable" in found.window.forwarding.attempts)
    assert counted_in is found.is_infrastructure


LAST = NOW - timedelta(seconds=1)
ANSWERED: dict[str, tuple[Window, Any, int]] = {
    "before any figures": (replace(BEGUN, streaks={"losses": 1}), LAST, 2),
    "since the last figures": (counted(20, streaks={"losses": 1}), NOW, 2),
    "with the last figures": (counted(20, streaks={"losses": 1}), LAST, 1),
    "before the last figures": (counted(20, streaks={"losses": 1}), LAST - timedelta(seconds=1), 1),
}


@pytest.mark.parametrize(("window", "at", "streak"), ANSWERED.values(), ids=ANSWERED)
def test_an_answer_of_an_outside_query_counts_once(window: Window, at: Any, streak: int) -> None:
    observation = seen(window=window, answers={"losses": Answer(at, 3.0)}, rollout={"checks": [QUERY]})
    found = gather(RUNG, observation, SETTINGS, NOW)

    assert found.window is not None
    assert {"losses": streak} == found.window.streaks


def test_a_rung_goes_on_with_its_window_and_the_next_begins_from_the_figures_as_they_are() -> None:
    gathered, observation = Evidence(counted(20)), seen(pod(BEGUN.canary, 107))
    same = window_after(RUNG, gathered, observation, NOW)
    following = replace(RUNG, rung=2, since=NOW)
    new, first = (window_after(following, each, observation, NOW) for each in (gathered, Evidence()))

    assert gathered.window == same
    assert new is not None
    assert (NOW, 0, {BEGUN.canary: 107}) == (
        new.started,
        new.of_canary.requests,
        {uid: memory.counts and memory.counts.requests for uid, memory in new.pods.items()},
    )
    assert new == first


def test_a_bake_has_a_window_of_its_own() -> None:
    bake = saved_trials.baking()
    assert isinstance(bake, Baking)
    found = window_after(bake, Evidence(counted(20)), seen(), NOW)

    assert begin(bake.stable.revision, bake.before.revision, bake.since) == found


def kept_at(seconds_ago: float) -> str:
    """A text that no `to_json` writes, so that it is known again."""
    return to_json(replace(counted(20), last=NOW - timedelta(seconds=seconds_ago))) + " "


NOTHING_YET = to_json(BEGUN) + " "
NEW = replace(counted(20), last=NOW)
KEPT: dict[str, tuple[str, Window, bool]] = {
    "nothing": ("", NEW, True),
    "not understood": ("{}", NEW, True),
    "of another rung": (to_json(OTHER) + " ", NEW, True),
    "a minute old": (kept_at(60), NEW, True),
    "not so old": (kept_at(59.9), NEW, False),
    "without figures, and there are some": (NOTHING_YET, NEW, True),
    "without figures, as it is": (NOTHING_YET, BEGUN, False),
    "with figures, and there are none": (kept_at(90), BEGUN, False),
}


@pytest.mark.parametrize(("kept", "window", "is_written"), KEPT.values(), ids=KEPT)
def test_a_window_is_written_where_what_is_kept_is_a_minute_old(kept: str, window: Window, is_written: bool) -> None:
    assert (to_json(window) if is_written else kept) == to_keep(window, seen(kept=kept))
