"""How the canary did on its rung, or the new stable in bake: the window of counts, and what the checks say of it.

The window lives in the operator's memory and in the evidence ConfigMap, which is written at most once a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bankmodel_operator.core import names
from bankmodel_operator.core.analysis.evidence import from_json, to_json
from bankmodel_operator.core.analysis.judge import RESTARTS_ALLOWED, judge, queries_beyond
from bankmodel_operator.core.analysis.samples import summed
from bankmodel_operator.core.analysis.verdicts import CheckResult, Rung, Verdict
from bankmodel_operator.core.analysis.window import Window, accumulate, begin, note_answers
from bankmodel_operator.core.children.evidence import read_evidence
from bankmodel_operator.core.live import find
from bankmodel_operator.core.looks import looks_at
from bankmodel_operator.core.observation import CoreSettings, Observation
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import Baking, Climbing, State

SAVED_EVERY = timedelta(minutes=1)
OUT_OF_MEMORY = "OOMKilled"
_UNREACHED = ("unreachable", "skipped")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Nothing, where there is nothing to judge."""

    window: Window | None = None
    results: tuple[CheckResult, ...] = ()
    is_infrastructure: bool = False
    """What failed is the node's fault rather than the model's: out of memory, or pods that were not there."""

    @property
    def first_fail(self) -> CheckResult | None:
        return next((each for each in self.results if each.verdict is Verdict.FAIL), None)

    @property
    def has_passed(self) -> bool:
        """Every check says PASS. No result at all is not that."""
        return bool(self.results) and all(each.verdict is Verdict.PASS for each in self.results)


def gather(state: State, observation: Observation, settings: CoreSettings, now: datetime) -> Evidence:
    """The evidence with what the pods said in this pass."""
    begun = _begun(state)
    if begun is None:
        return Evidence()
    known = _known(begun, observation)
    grown = accumulate(known, looks_at(observation.pods), now)
    if now - begun.started < observation.model.spec.rollout.progress_deadline:
        grown = without_unreached(grown)
    window = _with_answers(grown, known, observation)
    is_killed = any(
        each.ended == OUT_OF_MEMORY for pod in alive(observation.pods, begun.canary) for each in pod.containers
    )
    results = _judged(state, window, observation, settings, now)
    return Evidence(window, results, is_killed or was_only_unreachable(window))


def without_unreached(window: Window) -> Window:
    """The window without the attempts and copies that met nobody, where nothing worse was met: a node may learn of new pods only after the
    stable pods have read the table, and a pod that goes takes requests along. The stable answered them, and nothing passes by it."""
    if not was_only_unreachable(window):
        return window
    sent = window.forwarding
    attempts, fallbacks, copies = (
        {result: count for result, count in counts.items() if result not in _UNREACHED}
        for counts in (sent.attempts, sent.fallbacks, sent.copies)
    )
    return replace(window, forwarding=replace(sent, attempts=attempts, fallbacks=fallbacks, copies=copies))


def was_only_unreachable(window: Window) -> bool:
    """Whether the canary's pods were not there, rather than wrong or slow: what a node that goes does to a good model. One that
    is started again and again is at fault itself. Nothing but skipped attempts: the breaker is open from what was let off before."""
    met = summed(window.forwarding.attempts, window.forwarding.copies)
    is_wrong = met.get("error", 0) or met.get("timeout", 0) or window.of_canary.errors
    was_unreached = any(met.get(result, 0) for result in _UNREACHED)
    return was_unreached and not is_wrong and window.restarts <= RESTARTS_ALLOWED


def _judged(
    state: State, window: Window, observation: Observation, settings: CoreSettings, now: datetime
) -> tuple[CheckResult, ...]:
    rollout = observation.model.spec.rollout
    is_shadow = isinstance(state, Climbing) and state.on.is_shadow
    rung = Rung.BAKE if isinstance(state, Baking) else Rung.SHADOW if is_shadow else Rung.WEIGHT
    return judge(
        rollout.checks,
        window,
        rung=rung,
        confidence=float(rollout.confidence),
        min_requests=rollout.min_requests,
        scrape_interval=settings.scrape_interval,
        answers=observation.answers,
        now=now,
    )


def window_after(state: State, evidence: Evidence, observation: Observation, now: datetime) -> Window | None:
    """The window of the state that this pass leads to. A rung that begins has the pods' figures as they are now to grow from: what is
    counted between the decision and the first look after it belongs to the rung."""
    begun = _begun(state)
    if begun is None:
        return None
    if evidence.window is not None and _is_same(evidence.window, begun):
        return evidence.window
    return accumulate(begun, looks_at(observation.pods), now)


def to_keep(window: Window | None, observation: Observation) -> str:
    """What the evidence ConfigMap is to hold: what it does hold, unless that is of another rung, or a minute old."""
    if window is None:
        return ""
    live = _live(observation)
    kept = from_json(live)
    is_fresh = kept is not None and _is_same(kept, window) and not _is_due(kept, window)
    return live if is_fresh else to_json(window)


def _with_answers(window: Window, known: Window, observation: Observation) -> Window:
    """Count what outside queries said since the last pass, once."""
    new = {name: each for name, each in observation.answers.items() if known.last is None or each.at > known.last}
    return note_answers(window, queries_beyond(observation.model.spec.rollout.checks, new)) if new else window


def _begun(state: State) -> Window | None:
    """The empty window of a rung, or of a bake. A rung is judged from its first moment: a FAIL does not wait until the
    weight is in force everywhere; only a PASS does."""
    if isinstance(state, Climbing):
        return begin(state.canary.revision, state.stable.revision, state.since)
    if isinstance(state, Baking):
        return begin(state.stable.revision, state.before.revision, state.since)
    return None


def _known(begun: Window, observation: Observation) -> Window:
    """What is known of this rung: from memory, else from the ConfigMap, else nothing yet."""
    if observation.window is not None and _is_same(observation.window, begun):
        return observation.window
    kept = from_json(_live(observation))
    return kept if kept is not None and _is_same(kept, begun) else begun


def _live(observation: Observation) -> str:
    name = names.evidence_configmap(observation.model.metadata.name)
    return read_evidence(find(observation, "ConfigMap", name))


def _is_same(one: Window, other: Window) -> bool:
    return (one.canary, one.stable, one.started) == (other.canary, other.stable, other.started)


def _is_due(kept: Window, window: Window) -> bool:
    """Whether there are figures that are so much newer than those that are kept."""
    if window.last is None:
        return False
    return kept.last is None or window.last - kept.last >= SAVED_EVERY
