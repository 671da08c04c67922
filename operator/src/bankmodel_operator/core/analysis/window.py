"""Evidence of one step: what was seen of both revisions since the step's own start.

`core` begins one at each step, `accumulate` adds every look at the pods, `analysis.judge` reads it, and `analysis.evidence` keeps it
over a restart. Growth is taken pod by pod: a pod that restarts, comes late or goes changes nothing of what others counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bankmodel_operator.core.analysis.figures import Counts, Forwarding, counts_of, forwarding_of
from bankmodel_operator.core.analysis.samples import Histogram, Sample

__all__ = ["Look", "Memory", "Window", "accumulate", "begin", "note_answers"]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a living pod of the stable or the canary. `sample` None: it did not answer, or only by half.

    `started`: when its pod did; None: not known. `restarts`: of its scoring container, as the kubelet counts them.
    """

    uid: str
    revision: str
    sample: Sample | None
    started: datetime | None
    restarts: int


@dataclass(frozen=True, slots=True)
class Memory:
    """The last figures of a living pod. `at`: when they were read; where they never were, when it was first looked at."""

    revision: str
    at: datetime
    restarts: int
    counts: Counts | None = None
    forwarding: Forwarding = field(default_factory=Forwarding)


@dataclass(frozen=True, slots=True)
class Window:
    """See the module. `last`: the newest sample there is; None: none yet. `restarts`: of canary containers.

    `streaks`: for each outside query, how many answers in a row were beyond its limit.
    """

    canary: str
    stable: str
    started: datetime
    last: datetime | None = None
    of_canary: Counts = field(default_factory=Counts)
    of_stable: Counts = field(default_factory=Counts)
    forwarding: Forwarding = field(default_factory=Forwarding)
    baseline: Histogram | None = None
    restarts: int = 0
    pods: Mapping[str, Memory] = field(default_factory=dict)
    streaks: Mapping[str, int] = field(default_factory=dict)

    def silent(self, revision: str, now: datetime, *, longer_than_s: float) -> int:
        """Living pods of this revision whose last word is older than that."""
        mine = (pod for pod in self.pods.values() if pod.revision == revision)
        return sum((now - pod.at).total_seconds() > longer_than_s for pod in mine)


def begin(canary: str, stable: str, now: datetime) -> Window:
    """An empty window for a step that begins now."""
    return Window(canary=canary, stable=stable, started=now)


def accumulate(window: Window, looks: Iterable[Look], now: datetime) -> Window:
    """The window with what these looks add. `looks` are all living pods of both revisions; others are forgotten, not their figures."""
    known = window.pods
    grown = replace(window, pods={})
    for look in looks:
        if look.revision in (window.canary, window.stable):
            grown = _with(grown, look, known.get(look.uid), now)
    return grown


def note_answers(window: Window, beyond: Mapping[str, bool | None]) -> Window:
    """Count answers of outside queries that are beyond their limits, in a row; None, no answer, neither counts nor clears.

    To be called once for each time they were asked, not once a pass: three passes over one answer are one breach.
    """
    told = {
        name: window.streaks.get(name, 0) + 1 if is_beyond else 0
        for name, is_beyond in beyond.items()
        if is_beyond is not None
    }
    return replace(window, streaks={**window.streaks, **told})


def _with(window: Window, look: Look, known: Memory | None, now: datetime) -> Window:
    is_ours = known is not None and known.revision == look.revision
    memory = known if is_ours and known is not None else _first_sight(window, look, now)
    window = replace(window, restarts=window.restarts + _restarts(window, look, memory))
    sample = look.sample
    if sample is None or sample.revision != look.revision or (memory.counts is not None and sample.at <= memory.at):
        return replace(window, pods={**window.pods, look.uid: _unheard(memory, look.restarts)})
    return _with_sample(window, look, sample, memory)


def _with_sample(window: Window, look: Look, sample: Sample, memory: Memory) -> Window:
    counts, forwarding = counts_of(sample), forwarding_of(sample, window.canary)
    latest = Memory(look.revision, sample.at, max(memory.restarts, look.restarts), counts, forwarding)
    window = replace(
        window,
        pods={**window.pods, look.uid: latest},
        last=sample.at if window.last is None else max(window.last, sample.at),
    )
    if look.revision == window.canary and sample.baseline is not None:
        window = replace(window, baseline=sample.baseline)  # a fact about the file, not a count: the latest word stands
    base = _base(window, look, memory)
    if base is None:
        return window
    before, sent_before = base
    if look.revision == window.canary:
        return replace(window, of_canary=window.of_canary.plus(counts.since(before)))
    return replace(
        window,
        of_stable=window.of_stable.plus(counts.since(before)),
        forwarding=window.forwarding.plus(forwarding.since(sent_before)),
    )


def _unheard(memory: Memory, restarts: int) -> Memory:
    """What is remembered of a pod that said nothing: after a restart its next figures begin at 0."""
    if restarts <= memory.restarts:
        return memory
    return Memory(memory.revision, memory.at, restarts, counts=Counts())


def _base(window: Window, look: Look, memory: Memory) -> tuple[Counts, Forwarding] | None:
    """From where this pod's figures grew inside the window; None: these are the first, and may be older than the window."""
    is_restarted = look.restarts > memory.restarts
    if memory.counts is not None and not is_restarted:
        return memory.counts, memory.forwarding
    if is_restarted or _is_born_inside(window, look):
        return Counts(), Forwarding()
    return None


def _first_sight(window: Window, look: Look, now: datetime) -> Memory:
    return Memory(look.revision, now, 0 if _is_born_inside(window, look) else look.restarts)


def _is_born_inside(window: Window, look: Look) -> bool:
    return look.started is not None and look.started >= window.started


def _restarts(window: Window, look: Look, memory: Memory) -> int:
    return max(look.restarts - memory.restarts, 0) if look.revision == window.canary else 0
