"""The decision of one pass. Called by `reconcile` with what was observed, never with what was remembered.

Save first, then act: the decision holds the whole new status and the children that belong to it. The next
turn is only ever computed from a status that was read back, so a crash at any point repeats
idempotent acts and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import assert_never

from bankmodel_operator.core import certificate, names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.children.routing import read_table
from bankmodel_operator.core.conditions import Outlook, Reason, conditions
from bankmodel_operator.core.decision import Decision
from bankmodel_operator.core.desired import desired_children, needed, replicas_of, table_of
from bankmodel_operator.core.live import find, live_records
from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.names import ref_of, routing_configmap
from bankmodel_operator.core.observation import CoreSettings, Event, Manifest, Nudge, Observation
from bankmodel_operator.core.obstacles import obstacle
from bankmodel_operator.core.outlook import availability, outlook, suspended
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.revision import inputs_of, name_of
from bankmodel_operator.core.states import (
    Draining,
    NotUnderstood,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Turn,
    Unseen,
)
from bankmodel_operator.core.status import whole_status
from bankmodel_operator.core.turns import Step, next_step

__all__ = ["decide", "needed"]

_DRAIN_LOOK = timedelta(milliseconds=500)
_UNREADY_LOOK = timedelta(seconds=2)
_LATE_LOOK = timedelta(seconds=30)
_BLOCKED_LOOK = timedelta(seconds=5)
_NUDGE_AGAIN = timedelta(seconds=3)
"""A kubelet takes below a second; with a hundred pods, asking at every look would be hundreds of writes a second."""


def decide(observation: Observation, settings: CoreSettings, now: datetime) -> Decision:
    """One pass: at most one turn, the whole status, every child that must exist, and when to look again."""
    saved, metadata, now = decode(observation.status), observation.model.metadata, now.replace(microsecond=0)
    if metadata.deletion_timestamp is not None:
        return Decision(saved, observation.status)
    target = _target(observation, settings, now)
    blocked = obstacle(observation, is_new=_is_new(saved, target))
    step = _allowed(next_step(saved, observation, target, settings=settings, now=now), observation, blocked)
    state = step.state if step else saved
    is_held = _is_held(state, step, observation)
    generation = _generation(state, step, observation, is_held=is_held)
    found = _outlook(state, observation, blocked=blocked, target=target, now=now)
    answering = availability(state, observation, settings)
    shown = certificate.standing(state, observation, now)
    said = conditions(
        observation.status,
        found,
        answering,
        generation=metadata.generation,
        now=now,
        further=((certificate.CONDITION, shown.status, shown.reason, shown.message),) if shown else (),
    )
    return Decision(
        state,
        whole_status(
            observation, state, step, routing_generation=generation, conditions=said, certificate=shown, now=now
        ),
        desired=() if is_held else _ours(desired_children(state, observation, settings, generation), observation),
        prune=not is_held,
        nudges=() if is_held else tuple(_nudges(state, observation, generation, now)),
        wants_scrape=isinstance(state, Draining),
        requeue_after=_next_look(state, step, observation, blocked=blocked, now=now),
        events=(*_events(step, found, observation), *filter(None, [certificate.alarm(shown, observation)])),
    )


def _target(observation: Observation, settings: CoreSettings, now: datetime) -> Revision:
    """What the spec asks for; an image that was resolved once for these inputs stays."""
    spec = observation.model.spec
    name = name_of(inputs_of(spec))
    record = live_records(observation).get(name)
    image = record.image if record else spec.serving.image or settings.serving_image
    return Revision(name, spec.model.version, spec.model.sha256, image, since=now)


def _is_new(saved: State, target: Revision) -> bool:
    return not (isinstance(saved, Serving | Draining) and saved.stable.revision == target.revision)


def _allowed(step: Step | None, observation: Observation, blocked: Outlook | None) -> Step | None:
    """A turn that starts a revision waits while something blocks it; suspension lets only a lost status be rebuilt."""
    if step is None or step.turn is Turn.RECOVERED:
        return step
    if observation.model.spec.suspend:
        return None
    if blocked and step.turn in (Turn.FIRST_SEEN, Turn.TARGET_CHANGED):
        return None
    return step


def _is_held(state: State, step: Step | None, observation: Observation) -> bool:
    """Whether no child is touched in this pass. After a recovery the next pass goes on from the saved status:
    a change that was under way must not be pruned before it is noticed."""
    is_recovery = step is not None and step.turn is Turn.RECOVERED
    return observation.model.spec.suspend or is_recovery or isinstance(state, Unseen | NotUnderstood)


def _generation(state: State, step: Step | None, observation: Observation, *, is_held: bool) -> int:
    """It only grows: beyond all that was saved, written or reported, whenever the table's content changes.

    One that was saved and never written is used again, whatever the content is by now: no pod has seen it. Otherwise
    a table that is refused (a quota, a policy) would change the status with every try, and so cause the next one.
    """
    parent = Parent.of(observation.model)
    content, live = read_table(find(observation, "ConfigMap", routing_configmap(parent.name)))
    saved = int((observation.status.get("rollout") or {}).get("generation", 0))
    reported = [pod.report.generation or 0 for pod in observation.pods if pod.report]
    highest = max(saved, live, *reported) or _generation_of_service(observation)
    is_in_force = content == table_of(state, parent) and live == highest
    is_unwritten = step is None and live < saved == highest
    return highest if is_held or is_in_force or is_unwritten else highest + 1


def _generation_of_service(observation: Observation) -> int:
    """The last trace of it where status and table are both lost."""
    service = find(observation, "Service", observation.model.metadata.name) or {}
    fence = str((service.get("metadata", {}).get("annotations") or {}).get(names.ANNOTATION_FENCE, ""))
    return int(fence) if fence.isdecimal() else 0


def _outlook(
    state: State, observation: Observation, *, blocked: Outlook | None, target: Revision, now: datetime
) -> Outlook:
    is_understood = not isinstance(state, NotUnderstood)
    found = blocked if blocked and is_understood else outlook(state, observation, target.revision, now)
    return suspended(found) if observation.model.spec.suspend else found


def _ours(children: tuple[Manifest, ...], observation: Observation) -> tuple[Manifest, ...]:
    """Without those whose name somebody else has."""
    taken = {ref_of(manifest) for manifest in observation.foreign}
    return tuple(child for child in children if ref_of(child) not in taken)


def _nudges(state: State, observation: Observation, generation: int, now: datetime) -> Iterator[Nudge]:
    """While traffic moves, each pod that has not read the new table is made to; again now and then until it has."""
    if not isinstance(state, Draining):
        return
    again = (now - state.since) // _NUDGE_AGAIN
    value = f"{generation}.{again}" if again else str(generation)
    for pod in (*alive(observation.pods, state.stable.revision), *alive(observation.pods, state.superseded)):
        is_behind = pod.report is not None and (pod.report.generation or 0) < generation
        if pod.nudged.partition(".")[0] != str(generation) or (is_behind and pod.nudged != value):
            yield Nudge(pod.name, pod.uid, value)


def _next_look(
    state: State, step: Step | None, observation: Observation, *, blocked: Outlook | None, now: datetime
) -> timedelta | None:
    """When to look without an event; None where the periodic resync is enough."""
    if step and step.turn is Turn.RECOVERED:
        return timedelta(0)
    if observation.model.spec.suspend or isinstance(state, NotUnderstood):
        return None
    if blocked:
        return _BLOCKED_LOOK
    if isinstance(state, Draining):
        return _DRAIN_LOOK
    left = _time_left(state, observation, now)
    if _is_waiting_for_pods(state, observation):
        return _UNREADY_LOOK if left else _LATE_LOOK
    return left


def _time_left(state: State, observation: Observation, now: datetime) -> timedelta | None:
    """Until the progress deadline of what is on its way; None where nothing is, or it has passed."""
    if not isinstance(state, Starting | Progressing):
        return None
    left = state.target.since + observation.model.spec.rollout.progress_deadline - now
    return left if left > timedelta(0) else None


def _is_waiting_for_pods(state: State, observation: Observation) -> bool:
    """Whether a pod runs without being ready: it may say why, and no event tells us."""
    pods = (pod for revision in replicas_of(state, 1) for pod in alive(observation.pods, revision))
    return any(pod.is_running and not pod.ready for pod in pods)


def _events(step: Step | None, found: Outlook, observation: Observation) -> Iterator[Event]:
    """Turning points: a turn taken, or a failure that was not there before."""
    if step:
        yield Event("Normal", str(step.turn), _told(step))
    before = {each.get("type"): each for each in observation.status.get("conditions") or ()}.get("Stalled", {})
    is_known = before.get("status") == "True" and before.get("reason") == found.reason
    if (found.kind == "Stuck" or found.reason is Reason.NOT_UNDERSTOOD) and not is_known:
        yield Event("Warning", str(found.reason), found.message)


def _told(step: Step) -> str:
    if step.turn is Turn.TAKEN_BACK and isinstance(step.state, Progressing):
        stable = step.state.stable
        return (
            f"Callers return to revision {stable.revision} (version {stable.version}), "
            f"because no pod of revision {step.state.target.revision} is ready."
        )
    match step.state:
        case Serving(stable):
            return f"Revision {stable.revision} (version {stable.version}) serves."
        case Draining(stable, superseded):
            return f"Callers move to revision {stable.revision} (version {stable.version}); {superseded} drains."
        case Starting(target) | Progressing(_, target):
            return f"Revision {target.revision} (version {target.version}) starts."
        case Unseen() | NotUnderstood():
            raise AssertionError(f"no turn leads to {step.state}")
        case _:
            assert_never(step.state)
