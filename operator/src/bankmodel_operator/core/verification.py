"""Whether the pods do what the table says: read back from their own reports, never assumed. A silent pod proves nothing."""

from __future__ import annotations

from collections.abc import Iterable

from bankmodel_operator.core.observation import Observation, PodSeen, Report
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import Climbing, Withdrawing


def generation_asked(observation: Observation) -> int:
    """The generation of the table that belongs to the saved state."""
    return int((observation.status.get("rollout") or {}).get("generation", 0))


def is_in_force(state: Climbing, observation: Observation) -> bool:
    """Every stable pod that runs follows this table and sends on exactly the rung's share. No pod: nothing is in force."""
    pods = _running(observation, state.stable.revision)
    asked = generation_asked(observation)
    return bool(pods) and all(_follows(pod, state, asked) for pod in pods)


def is_off(state: Withdrawing, observation: Observation) -> bool:
    """Nobody sends the canary anything, or the canary takes nothing: either end is enough."""
    asked = generation_asked(observation)
    ends = (state.stable.revision, state.canary.revision)
    return any(_have_all_read(_running(observation, revision), asked) for revision in ends)


def behind(state: Climbing, observation: Observation) -> tuple[str, ...]:
    """The names of the stable pods that do not follow the table, for people."""
    asked = generation_asked(observation)
    pods = _running(observation, state.stable.revision)
    return tuple(pod.name for pod in pods if not _follows(pod, state, asked))


def has_read(pod: PodSeen, generation: int) -> bool:
    """Whether the pod says that it follows this table, or a later one."""
    return pod.report is not None and pod.report.generation is not None and pod.report.generation >= generation


def _running(observation: Observation, revision: str) -> tuple[PodSeen, ...]:
    """A pod that does not run yet reads the table when it starts."""
    return tuple(pod for pod in alive(observation.pods, revision) if pod.is_running or pod.ready)


def _have_all_read(pods: Iterable[PodSeen], generation: int) -> bool:
    found = tuple(pods)
    return bool(found) and all(has_read(pod, generation) for pod in found)


def _follows(pod: PodSeen, state: Climbing, generation: int) -> bool:
    said, rung = pod.report or Report(), state.on
    return has_read(pod, generation) and said.effective_weight == rung.weight and said.is_mirroring is rung.is_shadow
