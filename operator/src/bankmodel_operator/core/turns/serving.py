"""The turns of a model that has one revision, or none yet."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from bankmodel_operator.core import emergency
from bankmodel_operator.core.children.routing import read_table
from bankmodel_operator.core.ladder import ladder_of
from bankmodel_operator.core.ledger import from_marks, is_baked
from bankmodel_operator.core.live import deployment_of, live_records, routing_of, selected_revision
from bankmodel_operator.core.pods import alive, ready_count
from bankmodel_operator.core.states import Baking, Preparing, Progressing, Revision, Serving, Starting, Turn, Watched
from bankmodel_operator.core.turns.leaving import withdrawing
from bankmodel_operator.core.turns.step import Situation, Step, capacity_of, recorded
from bankmodel_operator.core.way import Way, way_to


def from_unseen(at: Situation) -> Step:
    record = live_records(at.observation).get(selected_revision(at.observation))
    if record is None:
        return Step(Turn.FIRST_SEEN, Starting(at.target))
    stable = recorded(record, at.now)
    granted = _granted(stable, at)
    if granted is None and (before := _kept_for_the_bake(stable, at)):
        watched = Watched.from_now(at.now)
        return Step(Turn.BAKE_RESUMED, Baking(stable, before, capacity_of(before, at), since=at.now, watched=watched))
    if canary := granted or _beside(stable, at):
        sizes = capacity_of(stable, at), capacity_of(canary, at)
        return Step(Turn.CANARY_FOUND, withdrawing(stable, canary, *sizes, now=at.now))
    return Step(Turn.RECOVERED, Serving(stable))


def from_starting(state: Starting, at: Situation) -> Step | None:
    if at.target.revision != state.target.revision:
        return Step(Turn.TARGET_CHANGED, Starting(at.target))
    if ready_count(at.observation.pods, at.target.revision):
        return Step(Turn.TARGET_READY, Serving(replace(state.target, since=at.now)))
    return None


def from_serving(state: Serving, at: Situation) -> Step | None:
    stable, target = state.stable, at.target
    if target.revision == stable.revision:
        return None
    match way_to(target, stable, at.observation, at.now):
        case Way.NONE:
            return None
        case Way.SHORT:
            return Step(Turn.TARGET_CHANGED, Progressing(stable, target, capacity=capacity_of(stable, at)))
        case Way.TRIAL | Way.RETRY as way:
            ladder = ladder_of(at.observation.model.spec.rollout)
            is_left_over = way is Way.RETRY and emergency.is_promoted(at.observation, target.revision)
            capacity = capacity_of(stable, at)
            trial = Preparing(stable, target, capacity, ladder, started=at.now, is_spent=is_left_over)
            return Step(Turn.TRIAL_STARTED, trial)
        case way:
            assert_never(way)


def _granted(stable: Revision, at: Situation) -> Revision | None:
    """The canary that the live table grants requests, where it runs: its pods stay until nobody sends it any."""
    content, _ = read_table(routing_of(at.observation))
    revision = str(((content or {}).get("canary") or {}).get("revision", ""))
    record = live_records(at.observation).get(revision)
    is_running = revision != stable.revision and deployment_of(at.observation, revision) is not None
    return recorded(record, at.now) if record and is_running else None


def _beside(stable: Revision, at: Situation) -> Revision | None:
    """Another revision that runs: perhaps a canary that was just withdrawn, and not every pod has read so. Not one that was on its
    way without a trial, which nobody ever sent a share to."""
    others = [each for each in live_records(at.observation).values() if each.revision != stable.revision]
    running = [each for each in others if deployment_of(at.observation, each.revision) is not None]
    if not running:
        return None
    found = recorded(max(running, key=lambda each: each.number), at.now)
    is_on_its_way = found.revision == at.target.revision and way_to(found, stable, at.observation, at.now) is Way.SHORT
    return None if is_on_its_way and from_marks(at.observation).rejection(found) is None else found


def _kept_for_the_bake(stable: Revision, at: Situation) -> Revision | None:
    """The older revision beside a selected one whose bake was never completed."""
    if is_baked(at.observation, stable.revision):
        return None
    for record in live_records(at.observation).values():
        is_other = record.revision != stable.revision and is_baked(at.observation, record.revision)
        runs = deployment_of(at.observation, record.revision) and alive(at.observation.pods, record.revision)
        if is_other and runs:
            return recorded(record, at.now)
    return None
