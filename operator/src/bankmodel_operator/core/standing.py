"""How it stands with one revision's pods, and what to call it, in words for people. Used by the outlooks."""

from __future__ import annotations

from datetime import datetime

from bankmodel_operator.api.duration import format_duration
from bankmodel_operator.core.conditions import Failure, Outlook, Reason
from bankmodel_operator.core.diagnosis import diagnose
from bankmodel_operator.core.live import deployment_of
from bankmodel_operator.core.observation import Observation
from bankmodel_operator.core.pods import alive, ready_count
from bankmodel_operator.core.states import Revision


def standing(stable: Revision, observation: Observation) -> str:
    """Whether the stable revision answers meanwhile."""
    if ready_count(observation.pods, stable.revision):
        return f"{called(stable)} stays in service."
    return f"No pod of revision {named(stable)} is ready either."


def stuck(revision: str, observation: Observation) -> Outlook | None:
    """What keeps its pods from getting ready; None where nothing does."""
    found = failure(revision, observation)
    return Outlook("Stuck", found.reason, found.message) if found else None


def failure(revision: str, observation: Observation) -> Failure | None:
    """The same as a value."""
    pods = alive(observation.pods, revision)
    return diagnose(pods, deployment_of(observation, revision), observation.refusals)


def late(target: Revision, observation: Observation, now: datetime) -> Outlook | None:
    """That it takes longer than the progress deadline; None where it does not."""
    deadline = observation.model.spec.rollout.progress_deadline
    if now - target.since < deadline:
        return None
    message = (
        f"{called(target)} is not ready {format_duration(deadline)} after its start (spec.rollout.progressDeadline). "
        "Look at its pods' events and logs; it goes on by itself when they become ready."
    )
    return Outlook("Stuck", Reason.PROGRESS_DEADLINE_EXCEEDED, message)


def called(revision: Revision) -> str:
    """At the start of a sentence."""
    return f"Revision {named(revision)}"


def named(revision: Revision) -> str:
    """Within one."""
    return f"{revision.revision} (version {revision.version})"
