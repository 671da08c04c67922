"""How it stands with a model: state and observation put into a reason and a sentence."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bankmodel_operator.core.conditions import Availability, Outlook, Reason
from bankmodel_operator.core.desired import replicas_of, stable_of
from bankmodel_operator.core.live import deployment_of, live_records, selected_revision
from bankmodel_operator.core.observation import CoreSettings, Observation
from bankmodel_operator.core.pods import alive, ready_count
from bankmodel_operator.core.standing import called, late, named, standing, stuck
from bankmodel_operator.core.states import (
    Baking,
    Climbing,
    Draining,
    NotUnderstood,
    Preparing,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Unseen,
    Withdrawing,
)
from bankmodel_operator.core.trial_outlook import of_trial, rejected
from bankmodel_operator.core.turns import Situation


def outlook(state: State, at: Situation) -> Outlook:
    """Without regard to obstacles and suspension, which `core.rollout` puts above it."""
    observation, now = at.observation, at.now
    match state:
        case Unseen():
            return Outlook("Unsure", Reason.NOT_SEEN, "Seen for the first time; nothing is made yet.")
        case Starting(revision):
            return _starting(revision, observation, now)
        case Serving(stable):
            return _serving(stable, at)
        case Progressing():
            return _progressing(state, observation, now)
        case Preparing() | Climbing() | Withdrawing() | Baking():
            return of_trial(state, at)
        case Draining(stable, superseded):
            message = f"{called(stable)} takes over; revision {superseded} finishes what it has begun."
            return stuck(stable.revision, observation) or Outlook("Moving", Reason.DRAINING, message)
        case NotUnderstood(name):
            return Outlook("Unsure", Reason.NOT_UNDERSTOOD, _not_understood(name))
        case _:
            assert_never(state)


def suspended(found: Outlook) -> Outlook:
    """The same under `spec.suspend`; a failure stays what it is."""
    if found.kind == "Stuck" or found.reason is Reason.NOT_UNDERSTOOD:
        return found
    message = f"spec.suspend is true, so nothing is changed; set it to false to go on. {found.message}"
    return Outlook(found.kind, Reason.SUSPENDED, message)


def availability(state: State, observation: Observation, settings: CoreSettings) -> Availability:
    """Whether callers are answered: by the stable revision, or by whom the stable Service still selects."""
    stable = stable_of(state)
    answering = [stable.revision] if stable else []
    answering.append(selected_revision(observation))
    revision = next((each for each in answering if each and ready_count(observation.pods, each)), "")
    if not revision:
        message = f"No pod of revision {named(stable)} is ready." if stable else "No revision has become ready yet."
        return Availability(False, Reason.UNAVAILABLE, message)
    name = called(stable) if stable and stable.revision == revision else f"Revision {revision}"
    return Availability(True, Reason.SERVING, f"{name} answers.{_older_image(revision, observation, settings)}")


def _starting(target: Revision, observation: Observation, now: datetime) -> Outlook:
    if found := stuck(target.revision, observation) or late(target, observation, now):
        return found
    if not alive(observation.pods, target.revision) and deployment_of(observation, target.revision) is None:
        return Outlook("Unsure", Reason.NOT_SEEN, f"{called(target)} is asked for; nothing of it is seen yet.")
    return Outlook("Moving", Reason.STARTING, f"{called(target)} starts; none of its pods is ready yet.")


def _serving(stable: Revision, at: Situation) -> Outlook:
    observation, target = at.observation, at.target
    if found := stuck(stable.revision, observation):
        return found
    if target.revision != stable.revision:
        return rejected(stable, at) or Outlook(
            "Moving", Reason.PROGRESSING, f"{called(stable)} serves; revision {target.revision} is asked for."
        )
    wanted, ready = observation.model.spec.serving.replicas, ready_count(observation.pods, stable.revision)
    if ready < wanted:
        return Outlook("Moving", Reason.SCALING, f"{called(stable)}: {ready} of {wanted} pods are ready.")
    return Outlook(
        "Done", Reason.SERVING, f"{called(stable)} serves with all of its pods ready.{_unmonitored(observation)}"
    )


def _progressing(state: Progressing, observation: Observation, now: datetime) -> Outlook:
    stable, target = state.stable, state.target
    failed = stuck(target.revision, observation) or late(target, observation, now)
    if failed:
        return Outlook("Stuck", failed.reason, f"{failed.message} {standing(stable, observation)}")
    wanted = replicas_of(state, observation.model.spec.serving.replicas)[target.revision]
    ready = ready_count(observation.pods, target.revision)
    message = f"{called(target)}: {ready} of {wanted} pods are ready; {called(stable)} serves until all are."
    return Outlook("Moving", Reason.PROGRESSING, message)


def _older_image(revision: str, observation: Observation, settings: CoreSettings) -> str:
    record = live_records(observation).get(revision)
    if record is None or record.image == settings.serving_image or record.inputs.get("serving", {}).get("image"):
        return ""
    return (
        f" Its serving image {record.image} is older than the operator's default {settings.serving_image}; "
        "set spec.serving.image to move on."
    )


def _unmonitored(observation: Observation) -> str:
    if observation.model.spec.monitoring.scrape != "PodMonitor" or observation.cluster.pod_monitor:
        return ""
    return (
        " No PodMonitor is made, because the cluster does not know that kind: install the Prometheus Operator, "
        "or set spec.monitoring.scrape to Annotations."
    )


def _not_understood(name: str) -> str:
    return (
        f"status.rollout.state {name!r} is not known to this operator, so everything is held as it is. "
        "Run the operator version that wrote it, or clear the status to have it rebuilt from the cluster."
    )
