"""The decision of one pass. Called by `reconcile` with what was observed, never with what was remembered.

Save first, then act: the decision holds the whole new status and the children that belong to it. The next
turn is only ever computed from a status that was read back, so a crash at any point repeats
idempotent acts and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bankmodel_operator.core import certificate, names
from bankmodel_operator.core.attention import next_look, nudges, wants_reports
from bankmodel_operator.core.children.routing import read_table
from bankmodel_operator.core.conditions import Outlook, conditions
from bankmodel_operator.core.decision import Decision
from bankmodel_operator.core.desired import Written, desired_children, needed, table_child, table_of
from bankmodel_operator.core.evidence import gather, to_keep, window_after
from bankmodel_operator.core.happenings import happenings
from bankmodel_operator.core.ledger import Ledger, from_marks
from bankmodel_operator.core.live import find, live_records, routing_of
from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.names import ref_of
from bankmodel_operator.core.observation import CoreSettings, Manifest, Observation
from bankmodel_operator.core.obstacles import obstacle
from bankmodel_operator.core.outlook import availability, outlook, suspended
from bankmodel_operator.core.revision import inputs_of, name_of
from bankmodel_operator.core.states import (
    RECOVERIES,
    Baking,
    Climbing,
    Draining,
    NotUnderstood,
    Preparing,
    Progressing,
    Revision,
    Serving,
    State,
    Turn,
    Unseen,
    Withdrawing,
)
from bankmodel_operator.core.status import whole_status
from bankmodel_operator.core.turns import Situation, Step, next_step
from bankmodel_operator.core.verification import generation_asked

__all__ = ["decide", "needed"]

_BEGINNINGS = (Turn.FIRST_SEEN, Turn.TARGET_CHANGED, Turn.TRIAL_STARTED)
_DOWN = (Turn.SUSPENDED, Turn.ROLLED_BACK, Turn.CANCELLED)


def decide(observation: Observation, settings: CoreSettings, now: datetime) -> Decision:
    """One pass: at most one turn, the whole status, every child that must exist, and when to look again."""
    saved, metadata, now = decode(observation.status), observation.model.metadata, now.replace(microsecond=0)
    if metadata.deletion_timestamp is not None:
        return Decision(saved, observation.status)
    at = Situation(
        observation, _target(observation, settings, now), settings, now, gather(saved, observation, settings, now)
    )
    saved = _identified(saved, at.target)
    blocked = obstacle(observation, is_new=_is_new(saved, at.target))
    step = _allowed(next_step(saved, at), saved, at, blocked)
    state = step.state if step else saved
    is_held = _is_held(state, step, observation)
    generation = _generation(state, step, observation, is_held=is_held)
    window = window_after(state, at.evidence, observation, now)
    written = Written(generation, _ledger(saved, state, step, at), to_keep(window, observation))
    found = _outlook(state, at, blocked)
    shown = certificate.standing(state, observation, now)
    said = conditions(
        observation.status,
        found,
        availability(state, observation, settings),
        generation=metadata.generation,
        now=now,
        further=((certificate.CONDITION, shown.status, shown.reason, shown.message),) if shown else (),
    )
    return Decision(
        state,
        whole_status(at, state, step, written, conditions=said, certificate=shown),
        desired=_children(state, at, written, is_held=is_held),
        prune=not is_held,
        nudges=nudges(state, observation, generation, now) if not is_held or _ends_a_grant(state) else (),
        wants_scrape=wants_reports(state),
        requeue_after=next_look(state, step, at, blocked),
        events=(*happenings(step, found, at), *filter(None, [certificate.alarm(shown, observation)])),
        window=window,
    )


def _target(observation: Observation, settings: CoreSettings, now: datetime) -> Revision:
    """What the spec asks for; an image that was resolved once for these inputs stays."""
    spec = observation.model.spec
    name = name_of(inputs_of(spec))
    record = live_records(observation).get(name)
    image = record.image if record else spec.serving.image or settings.serving_image
    return Revision(name, spec.model.version, spec.model.sha256, image, since=now)


def _is_new(saved: State, target: Revision) -> bool:
    match saved:
        case Serving() | Draining() | Baking():
            return saved.stable.revision != target.revision
        case Preparing() | Climbing() | Withdrawing():
            return target.revision not in (saved.stable.revision, saved.canary.revision)
        case _:
            return True


def _allowed(step: Step | None, saved: State, at: Situation, blocked: Outlook | None) -> Step | None:
    """A turn that starts a revision waits while something blocks it; suspension lets a canary lose its requests, and a
    lost status be rebuilt."""
    if step is None or step.turn in RECOVERIES:
        return step
    if at.observation.model.spec.suspend:
        return step if isinstance(saved, Climbing) and step.turn in _DOWN else None
    return None if blocked and step.turn in _BEGINNINGS else step


def _is_held(state: State, step: Step | None, observation: Observation) -> bool:
    """Whether no child is touched in this pass. After a recovery the next pass goes on from the saved status:
    a change that was under way must not be pruned before it is noticed."""
    is_recovery = step is not None and step.turn in RECOVERIES
    return observation.model.spec.suspend or is_recovery or isinstance(state, Unseen | NotUnderstood)


def _ends_a_grant(state: State) -> bool:
    """Suspension takes the requests from a canary: that one table is written all the same."""
    return isinstance(state, Withdrawing) or (isinstance(state, Preparing) and state.is_exposed)


def _children(state: State, at: Situation, written: Written, *, is_held: bool) -> tuple[Manifest, ...]:
    observation = at.observation
    if is_held and not _ends_a_grant(state):
        return ()
    if is_held:
        return _ours((table_child(state, observation, written.generation, at.now),), observation)
    return _ours(desired_children(state, observation, at.settings, written, at.now), observation)


def _identified(saved: State, target: Revision) -> State:
    """With record and status both lost a stable is known by its name alone, until the spec asks for it again."""
    if isinstance(saved, Serving) and saved.stable.revision == target.revision and not saved.stable.sha256:
        return replace(saved, stable=replace(target, since=saved.stable.since))
    return saved


def _generation(state: State, step: Step | None, observation: Observation, *, is_held: bool) -> int:
    """It only grows: beyond all that was saved, written or reported, whenever the table's content changes.

    One that was saved and never written is used again, whatever the content is by now: no pod has seen it. Otherwise
    a table that is refused (a quota, a policy) would change the status with every try, and so cause the next one.
    """
    content, live = read_table(routing_of(observation))
    saved = generation_asked(observation)
    reported = [pod.report.generation for pod in observation.pods if pod.report and pod.report.generation]
    highest = max(saved, live, *reported, _generation_of_service(observation))
    has_lapsed = step is not None and step.turn is Turn.LAPSED
    is_in_force = content == table_of(state, observation) and live == highest and not has_lapsed
    is_unwritten = step is None and live < saved == highest
    is_kept = is_held and not _ends_a_grant(state)
    return highest if is_kept or is_in_force or is_unwritten else highest + 1


def _generation_of_service(observation: Observation) -> int:
    """The last trace of it where status and table are both lost, and pods tell of older ones."""
    service = find(observation, "Service", observation.model.metadata.name) or {}
    fence = str((service.get("metadata", {}).get("annotations") or {}).get(names.ANNOTATION_FENCE, ""))
    return int(fence) if fence.isdecimal() else 0


def _ledger(saved: State, state: State, step: Step | None, at: Situation) -> Ledger:
    """What is remembered of revisions, after this turn."""
    if step is None:
        return at.ledger
    if step.turn in RECOVERIES:
        return from_marks(at.observation)
    match step.turn, saved, state:
        case (Turn.TARGET_READY, Progressing(stable=stable), _) | (Turn.PROMOTED, Climbing(stable=stable), _):
            return at.ledger.gave_way(stable, at.now)
        case Turn.TRIAL_STARTED, _, _:
            return at.ledger.forgives(at.target)
        case Turn.TAKEN_BACK, _, Progressing(stable=stable):
            return at.ledger.came_back(stable)
        case Turn.ROLLED_BACK | Turn.CANCELLED, Baking(stable=stable, before=before), _:
            return _rejected(at.ledger.came_back(before), stable, step, at)
        case Turn.ROLLED_BACK, Preparing(canary=canary) | Climbing(canary=canary), _:
            return _rejected(at.ledger, canary, step, at)
        case _:
            return at.ledger


def _rejected(ledger: Ledger, revision: Revision, step: Step, at: Situation) -> Ledger:
    if step.rejection is None:
        return ledger
    return ledger.rejects(revision, step.rejection, retry=at.observation.model.spec.rollout.retry, now=at.now)


def _outlook(state: State, at: Situation, blocked: Outlook | None) -> Outlook:
    is_understood = not isinstance(state, NotUnderstood)
    found = blocked if blocked and is_understood else outlook(state, at)
    return suspended(found) if at.observation.model.spec.suspend else found


def _ours(children: tuple[Manifest, ...], observation: Observation) -> tuple[Manifest, ...]:
    """Without those whose name somebody else has."""
    taken = {ref_of(manifest) for manifest in observation.foreign}
    return tuple(child for child in children if ref_of(child) not in taken)
