"""Why a canary goes, and its first step out: the weight is zero in the same pass."""

from __future__ import annotations

from datetime import datetime, timedelta

from bankmodel_operator.api.duration import format_duration
from bankmodel_operator.core import emergency, names
from bankmodel_operator.core.analysis.judge import RESTARTS, RESTARTS_ALLOWED
from bankmodel_operator.core.children.routing import GRANT
from bankmodel_operator.core.desired import replicas_of
from bankmodel_operator.core.evidence import OUT_OF_MEMORY
from bankmodel_operator.core.ledger import Rejection
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import Climbing, Preparing, Revision, Turn, Withdrawing
from bankmodel_operator.core.turns.step import Situation, Step
from bankmodel_operator.core.turns.watching import held

_CLOCKS = timedelta(seconds=30)
"""By which the clocks of nodes may differ."""


def leave(state: Preparing | Climbing, at: Situation, rejection: Rejection | None = None) -> Step:
    """The canary goes; rejected, or because nobody asks for it any more."""
    sizes = replicas_of(state, at.observation.model.spec.serving.replicas)
    leaving = withdrawing(state.stable, state.canary, state.capacity, sizes[state.canary.revision], now=at.now)
    return Step(Turn.ROLLED_BACK if rejection else Turn.CANCELLED, leaving, rejection)


def withdrawing(
    stable: Revision, canary: Revision, capacity: int, canary_capacity: int, *, now: datetime
) -> Withdrawing:
    """From now on nothing is granted; who still goes by an older table stops when that runs out."""
    return Withdrawing(stable, canary, capacity, canary_capacity, since=now, until=now + GRANT + _CLOCKS)


def reason_to_leave(state: Preparing | Climbing, at: Situation) -> Rejection | None:
    """In this order: somebody's order, a failed check, time."""
    return aborted(at, state.canary.revision) or _failed(state, at) or _too_late(state, at) or _no_data(state, at)


def aborted(at: Situation, revision: str) -> Rejection | None:
    """An order by annotation."""
    if not emergency.is_aborted(at.observation, revision):
        return None
    return Rejection("Aborted", f"The annotation {names.ANNOTATION_ABORT} names revision {revision}.", digest_too=True)


def failed(at: Situation) -> Rejection | None:
    """The first failed check. What the node did to a pod is not the model's fault."""
    result = at.evidence.first_fail
    if result is None:
        return None
    return Rejection(
        "CheckFailed", f"Check {result.name}: {result.message}", digest_too=not at.evidence.is_infrastructure
    )


def _failed(state: Preparing | Climbing, at: Situation) -> Rejection | None:
    return failed(at) if isinstance(state, Climbing) else _crashes(state, at)


def _crashes(state: Preparing, at: Situation) -> Rejection | None:
    """It had requests, lost its last ready pod, and its containers start again and again. The window of the rung that would
    count the restarts has ended with the rung: each return would begin with none."""
    pods = alive(at.observation.pods, state.canary.revision)
    if not state.is_exposed or any(pod.ready for pod in pods):
        return None
    count = sum(pod.restarts for pod in pods)
    if count <= RESTARTS_ALLOWED:
        return None
    containers = (each for pod in pods for each in pod.containers if each.name == names.CONTAINER_SERVING)
    is_killed = any(each.ended == OUT_OF_MEMORY for each in containers)
    message = f"Check {RESTARTS}: the canary's containers restarted {count} times, and no pod of it is ready."
    return Rejection("CheckFailed", message, digest_too=not is_killed)


def _too_late(state: Preparing | Climbing, at: Situation) -> Rejection | None:
    deadline = at.observation.model.spec.rollout.deadline
    if not deadline or at.now - state.started < deadline:
        return None
    message = f"The rollout took longer than {format_duration(deadline)} (spec.rollout.deadline)."
    return Rejection("DeadlineExceeded", message, digest_too=False)


def _no_data(state: Preparing | Climbing, at: Situation) -> Rejection | None:
    """Nothing has reached the canary for too long, where the spec says that this ends the rollout."""
    asked = at.observation.model.spec.rollout.on_no_data
    if asked.action != "Abort" or not is_without_data(state, at):
        return None
    return Rejection("NoData", f"No request has reached it for {format_duration(asked.after)}.", digest_too=False)


def is_without_data(state: Preparing | Climbing, at: Situation) -> bool:
    """Whether the canary has had no request on its rung for as long as `spec.rollout.onNoData.after`."""
    window = at.evidence.window
    if not isinstance(state, Climbing) or state.watched is None or window is None or window.of_canary.requests:
        return False
    return held(state.watched, at.now) >= at.observation.model.spec.rollout.on_no_data.after
