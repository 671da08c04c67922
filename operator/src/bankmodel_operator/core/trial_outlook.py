"""How it stands with a trial: what the canary does now, what it waits for, and why it went."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from bankmodel_operator.api.duration import format_duration
from bankmodel_operator.core import emergency, names
from bankmodel_operator.core.analysis.verdicts import Verdict
from bankmodel_operator.core.conditions import Outlook, Reason
from bankmodel_operator.core.desired import peer_address, replicas_of
from bankmodel_operator.core.fit import misfit
from bankmodel_operator.core.observation import format_time
from bankmodel_operator.core.peers import mistrust
from bankmodel_operator.core.pods import ready_count
from bankmodel_operator.core.standing import called, late, named, standing, stuck
from bankmodel_operator.core.states import Baking, Climbing, Preparing, Revision, Withdrawing
from bankmodel_operator.core.turns import Situation
from bankmodel_operator.core.turns.leaving import is_without_data
from bankmodel_operator.core.turns.watching import held
from bankmodel_operator.core.verification import behind
from bankmodel_operator.core.way import Way, way_to


def of_trial(state: Preparing | Climbing | Withdrawing | Baking, at: Situation) -> Outlook:
    """Of a revision that is on trial, or was until now."""
    match state:
        case Preparing():
            return _preparing(state, at)
        case Climbing():
            return _climbing(state, at)
        case Withdrawing(stable, canary):
            message = f"{called(canary)} gets no requests any more; its pods go when every stable pod knows."
            return Outlook("Moving", Reason.WITHDRAWING, f"{message} {called(stable)} serves.")
        case Baking():
            return _baking(state, at)
        case _:
            assert_never(state)


def rejected(stable: Revision, at: Situation) -> Outlook | None:
    """Of a model whose spec asks for a revision that was rejected; None where it was not."""
    entry = at.ledger.rejection(at.target)
    if entry is None or way_to(at.target, stable, at.observation, at.now) is not Way.NONE:
        return None
    is_late = entry.get("reason") == Reason.DEADLINE_EXCEEDED
    message = (
        f"{called(at.target)} was taken back: {entry.get('message', '')} {called(stable)} serves. Apply another model, or "
        "set spec.rollout.retry to a new text to try this one once more."
    )
    return Outlook("Stuck", Reason.DEADLINE_EXCEEDED if is_late else Reason.ROLLED_BACK, message)


def _preparing(state: Preparing, at: Situation) -> Outlook:
    observation, canary = at.observation, state.canary
    failed = stuck(canary.revision, observation)
    if failed:
        return Outlook("Stuck", failed.reason, f"{failed.message} {standing(state.stable, observation)}")
    if not ready_count(observation.pods, state.stable.revision):
        return Outlook("Stuck", Reason.STABLE_UNAVAILABLE, _no_stable(state, at))
    wanted = replicas_of(state, observation.model.spec.serving.replicas)[canary.revision]
    ready = ready_count(observation.pods, canary.revision)
    if ready < wanted:
        message = f"{called(canary)}: {ready} of {wanted} pods are ready for its trial; revision {named(state.stable)} serves."
        return late(canary, observation, at.now) or Outlook("Moving", Reason.PREPARING, message)
    return _waiting(state, at)


def _waiting(state: Preparing, at: Situation) -> Outlook:
    """Its pods are ready; what it still waits for."""
    unable = [each for each in (state.stable, state.canary) if not peer_address(at.observation, each.revision)]
    if unable and at.now - state.canary.since > timedelta(seconds=30):
        return Outlook("Stuck", Reason.CANARY_UNSUPPORTED, _unsupported(unable[0]))
    strange = mistrust(state, at.observation)
    if strange and not state.is_promoted:
        message = f"{called(state.canary)} gets no requests: {strange} {called(state.stable)} serves."
        return Outlook("Stuck", Reason.CERTIFICATE_NOT_FOR_PEERS, message)
    found = misfit(state.fit, state.ladder.rungs[0], at.observation) if state.fit else None
    if found and not state.is_promoted:
        message = f"{called(state.canary)} gets no requests: {found[1]}."
        return Outlook("Moving" if found[0] is Reason.INPUTS_AWAITED else "Stuck", found[0], message)
    if words := emergency.pause(at.observation):
        return Outlook("Moving", Reason.PAUSED, f"{called(state.canary)} waits before its first step: {words}.")
    what = "is about to start" if state.fit else "has not described its inputs and outputs yet"
    return late(state.canary, at.observation, at.now) or Outlook(
        "Moving",
        Reason.PREPARING,
        f"{called(state.canary)} has its pods and {what}; revision {named(state.stable)} serves.",
    )


def _climbing(state: Climbing, at: Situation) -> Outlook:
    if not ready_count(at.observation.pods, state.stable.revision):
        return Outlook("Stuck", Reason.STABLE_UNAVAILABLE, _no_stable(state, at))
    if state.watched is None:
        return _verifying(state, at)
    text = f"{_place(state)} {_progress(state, at)}"
    if words := emergency.pause(at.observation):
        return Outlook("Moving", Reason.PAUSED, f"{text} Paused: {words}.")
    if state.on.is_last:
        return Outlook("Moving", Reason.PROMOTING, text)
    following = misfit(state.fit, state.ladder.rungs[state.rung + 1], at.observation)
    if following and at.evidence.has_passed:
        return Outlook("Stuck", following[0], f"{_place(state)} No further: {following[1]}.")
    if is_without_data(state, at):
        after = format_duration(at.observation.model.spec.rollout.on_no_data.after)
        return Outlook("Stuck", Reason.NO_DATA, f"{text} No request has reached the canary for {after}.")
    return Outlook("Moving", Reason.SHADOWING if state.on.is_shadow else Reason.ON_STEP, text)


def _verifying(state: Climbing, at: Situation) -> Outlook:
    missing = behind(state, at.observation)
    told = f"not yet confirmed by {', '.join(missing[:5])}" if missing else "no stable pod to confirm it"
    message = f"{_place(state)} The weight is {told}."
    deadline = at.observation.model.spec.rollout.progress_deadline
    if at.now - state.since < deadline:
        return Outlook("Moving", Reason.VERIFYING, message)
    return Outlook("Stuck", Reason.NOT_VERIFIED, f"{message} Waited {format_duration(deadline)}; look at these pods.")


def _baking(state: Baking, at: Situation) -> Outlook:
    left = max(at.observation.model.spec.rollout.bake - held(state.watched, at.now), timedelta(0))
    message = (
        f"{called(state.stable)} answers everything; revision {named(state.before)} stays ready, and checks go on until the bake is "
        f"over.{_verdicts(at)}"
    )
    failed = stuck(state.stable.revision, at.observation)
    if failed:
        return failed
    return Outlook("Moving", Reason.BAKING, message if left else f"{message} It is over.")


def _place(state: Climbing) -> str:
    share = "scores copies of all requests" if state.on.is_shadow else f"gets {state.on.weight} % of the requests"
    return f"{called(state.canary)} {share} (step {state.rung + 1} of {len(state.ladder.rungs)})."


def _progress(state: Climbing, at: Situation) -> str:
    hold = f"Held for at least {format_duration(state.on.hold)}." if state.on.hold else ""
    slow = _too_slow(state, at)
    return f"{hold}{_verdicts(at)}{slow}"


def _verdicts(at: Situation) -> str:
    """Without figures: they change with every look, and are in `status.rollout.verdicts`."""
    said = ", ".join(f"{each.name} {each.verdict}" for each in at.evidence.results)
    return f" Checks: {said}." if said else ""


def _too_slow(state: Climbing, at: Situation) -> str:
    """Said on the first day of a rung that cannot end in time."""
    etas = [each.eta for each in at.evidence.results if each.eta is not None and each.verdict is Verdict.UNKNOWN]
    deadline = state.started + at.observation.model.spec.rollout.deadline
    if not etas or max(etas) <= deadline:
        return ""
    return (
        f" At today's pace this step does not end before {format_time(deadline)} (spec.rollout.deadline): raise its weight, "
        "lower minRequests, or use spec.rollout.shadow, which judges all requests."
    )


def _no_stable(state: Preparing | Climbing, at: Situation) -> str:
    return (
        f"No pod of revision {named(state.stable)} is ready, so there is nothing to compare revision {named(state.canary)} with. To promote it "
        f"without a trial: kubectl annotate --field-manager=by-hand bm {at.observation.model.metadata.name} "
        f"{names.ANNOTATION_PROMOTE}={state.canary.revision}"
    )


def _unsupported(revision: Revision) -> str:
    return (
        f"The pods of revision {named(revision)} cannot share requests with each other: they were made by an older operator. Apply "
        "the stable model once with spec.serving.image set to the operator's present default, then this one again."
    )
