"""From what each worker said to what the pod is. Pure: the supervisor's port answers from it.

Unknown is not success. A silent worker makes the pod unready and its generation unknown; what was counted only grows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bankmodel_serving.readiness import READY, STARTING, STUCK_S, ReadyState, is_stuck
from bankmodel_serving.snapshot import Snapshot, merge, merge_all, only_past, silent_processes

__all__ = ["Heard", "Pod"]


@dataclass(frozen=True)
class Heard:
    """What is known of one worker. `is_silent`: it did not answer this time; the rest is then from before."""

    number: int
    has_started: bool = False
    is_silent: bool = True
    state: ReadyState = STARTING
    pulse: float = 0.0
    snapshot: Snapshot = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pod:
    """All workers together. `ending`: why the pod is on its way out, if it is."""

    model: str
    revision: str
    heard: Sequence[Heard]
    now: float
    ending: ReadyState | None = None

    def ready(self) -> ReadyState:
        """Ready when all are; else the state of the first that is not."""
        if self.ending is not None:
            return self.ending
        return next((state for state in map(_state, self.heard) if not state.is_ready), READY)

    def stuck(self) -> str:
        """The first worker that has given no sign of life for too long, silent or not."""
        found = next((each.number for each in self.heard if is_stuck(each.pulse, self.now)), None)
        return f"worker {found} has been stuck for more than {STUCK_S:g} s" if found else ""

    def described(self) -> Mapping[str, Any] | None:
        """What any worker that has started says of the model: they serve the same file."""
        return next((each.model for each in self.heard if each.model), None)

    def snapshot(self) -> Snapshot:
        """The metrics of all. While one is silent, only what it can't change by being so."""
        whole = merge_all(each.snapshot for each in self.heard)
        silent = sum(each.is_silent for each in self.heard)
        return merge(only_past(whole) if silent else whole, silent_processes(self.model, self.revision, silent))


def _state(heard: Heard) -> ReadyState:
    if heard.is_silent and heard.has_started:
        return ReadyState(False, "WorkerSilent", f"worker {heard.number} does not answer its supervisor")
    return heard.state
