"""A pod's status, parsed once into what decisions need. Why pods do not get ready: `core.diagnosis`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.observation import ContainerSeen, Manifest, PodSeen, Report, parse_time


def see(pod: Manifest, report: Report | None = None) -> PodSeen:
    """A live pod, parsed."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    by_type = {condition["type"]: condition for condition in status.get("conditions") or ()}
    scheduled = by_type.get("PodScheduled", {})
    is_unschedulable = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    return PodSeen(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        revision=(metadata.get("labels") or {}).get(names.LABEL_REVISION, ""),
        ip=status.get("podIP", ""),
        ready=by_type.get("Ready", {}).get("status") == "True",
        deleting="deletionTimestamp" in metadata,
        nudged=(metadata.get("annotations") or {}).get(names.ANNOTATION_ROUTING_GENERATION, ""),
        unschedulable=scheduled.get("message", "") if is_unschedulable else "",
        failed=status.get("reason", "Failed") if status.get("phase") == "Failed" else "",
        containers=tuple(map(_container, _container_statuses(status))),
        report=report,
        started=_started(status),
    )


def alive(pods: Iterable[PodSeen], revision: str) -> tuple[PodSeen, ...]:
    """The pods of a revision that are there to stay, by name."""
    mine = (pod for pod in pods if pod.revision == revision and not pod.deleting and not pod.failed)
    return tuple(sorted(mine, key=lambda pod: pod.name))


def ready_count(pods: Iterable[PodSeen], revision: str) -> int:
    return sum(pod.ready for pod in alive(pods, revision))


def _container_statuses(status: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))


def _started(status: Mapping[str, Any]) -> datetime | None:
    serving = (each for each in status.get("containerStatuses") or () if each["name"] == names.CONTAINER_SERVING)
    begun = ((each.get("state") or {}).get("running") or {} for each in serving)
    text = next((each["startedAt"] for each in begun if each.get("startedAt")), None)
    return None if text is None else parse_time(text)


def _container(status: Mapping[str, Any]) -> ContainerSeen:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    waiting = state.get("waiting") or {}
    ended = state.get("terminated") or last.get("terminated") or {}
    if ended.get("exitCode") == 0 or status.get("ready") is True:
        ended = {}  # it finished well, or runs well again: history
    return ContainerSeen(
        name=status["name"],
        running="running" in state,
        restarts=status.get("restartCount", 0),
        waiting=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        ended=ended.get("reason", ""),
        ended_message=ended.get("message", ""),
        exit_code=ended.get("exitCode"),
    )
