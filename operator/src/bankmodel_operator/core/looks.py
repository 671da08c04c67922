"""From the pods of an observation to the looks a window of evidence grows by. Used by the rollout's decision once a pass."""

from __future__ import annotations

from collections.abc import Iterable

from bankmodel_operator.core.analysis.window import Look
from bankmodel_operator.core.observation import PodSeen

__all__ = ["looks_at"]


def looks_at(pods: Iterable[PodSeen]) -> tuple[Look, ...]:
    """A look at each pod whose figures count.

    Left out, so that their silence holds nobody up: pods that failed, that leave and say nothing more, and that never ran. A pod that
    crashes again and again is looked at, for its restarts.
    """
    return tuple(_look(pod) for pod in pods if _counts(pod))


def _counts(pod: PodSeen) -> bool:
    if pod.failed:
        return False
    if pod.deleting:
        return pod.report is not None and pod.report.sample is not None
    return pod.is_running or pod.restarts > 0


def _look(pod: PodSeen) -> Look:
    sample = None if pod.report is None else pod.report.sample
    return Look(pod.uid, pod.revision, sample, pod.started, pod.restarts)
