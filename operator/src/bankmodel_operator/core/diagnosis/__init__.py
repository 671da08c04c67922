"""Why a revision does not get ready: one failure worth showing, with what to do. Called by `core.outlook`.

Sentences name the object, the value and the remedy. They leave out what changes by itself (back-off
times, attempt counts), so that a standing failure is written to status once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bankmodel_operator.core.conditions import Failure
from bankmodel_operator.core.diagnosis import admission, last_words, start
from bankmodel_operator.core.observation import Manifest, PodSeen, Refusal

__all__ = ["diagnose"]


def diagnose(pods: Sequence[PodSeen], deployment: Manifest | None, refusals: Sequence[Refusal] = ()) -> Failure | None:
    """Why these pods of one revision do not get ready, if they will not without help."""
    unready = [pod for pod in pods if not pod.ready]
    found = (check(pod, deployment or {}) for check in _CHECKS for pod in unready)
    refused = admission.pods_refused(deployment or {}) or admission.writes_refused(refusals)
    return next((failure for failure in found if failure), None) or refused


_CHECKS: tuple[Callable[[PodSeen, Manifest], Failure | None], ...] = (
    last_words.said_by_container,
    start.out_of_memory,
    last_words.said_by_probe,
    start.image_not_pulled,
    start.container_not_started,
    start.not_placed,
    start.crash_loop,
)
"""In the order of how much they explain: what our own container said comes first."""
