"""What a pod's status means: `see` parses a pod once, `diagnose` names the one failure worth showing.

Sentences name the object, the value and what to do. They leave out what changes by itself (back-off
times, attempt counts), so that a standing failure is written to status once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.conditions import Failure, Reason
from bankmodel_operator.core.observation import ContainerSeen, Manifest, PodSeen, Refusal, Report

QUOTE_LIMIT = 200
"""Characters of somebody else's message that we repeat."""

_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_START_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError")


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
    )


def alive(pods: Iterable[PodSeen], revision: str) -> tuple[PodSeen, ...]:
    """The pods of a revision that are there to stay, by name."""
    mine = (pod for pod in pods if pod.revision == revision and not pod.deleting and not pod.failed)
    return tuple(sorted(mine, key=lambda pod: pod.name))


def ready_count(pods: Iterable[PodSeen], revision: str) -> int:
    return sum(pod.ready for pod in alive(pods, revision))


def diagnose(pods: Sequence[PodSeen], deployment: Manifest | None, refusals: Sequence[Refusal] = ()) -> Failure | None:
    """Why these pods of one revision do not get ready, if they will not without help."""
    unready = [pod for pod in pods if not pod.ready]
    found = (check(pod, deployment or {}) for check in _CHECKS for pod in unready)
    refused = _replica_failure(deployment or {}) or _refused(refusals)
    return next((failure for failure in found if failure), None) or refused


def _container_statuses(status: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))


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


def _said_by_container(pod: PodSeen, deployment: Manifest) -> Failure | None:
    """Our containers leave one line of JSON behind before they give up."""
    for container in pod.containers:
        if failure := _parse_last_words(container.ended_message):
            return Failure(failure.reason, f"Pod {pod.name}: {failure.message}")
    return None


def _said_by_probe(pod: PodSeen, deployment: Manifest) -> Failure | None:
    report = pod.report
    if report is None or report.ready_reason not in _CONTAINER_REASONS:
        return None
    return Failure(Reason(report.ready_reason), f"Pod {pod.name}: {_quote(report.ready_message or '')}")


_CONTAINER_REASONS = frozenset(
    str(reason)
    for reason in (
        Reason.DIGEST_MISMATCH,
        Reason.SOURCE_UNREACHABLE,
        Reason.SOURCE_DENIED,
        Reason.SOURCE_NOT_FOUND,
        Reason.MODEL_INVALID,
        Reason.GOLDEN_VECTORS_FAILED,
        Reason.SETTINGS_INVALID,
    )
)


def _parse_last_words(text: str) -> Failure | None:
    try:
        words = json.loads(text)
    except ValueError:
        return None
    if not isinstance(words, dict) or words.get("reason") not in _CONTAINER_REASONS:
        return None
    return Failure(Reason(words["reason"]), str(words.get("message", "")))


def _out_of_memory(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.ended == "OOMKilled":
            limit = _of_container(deployment, container.name).get("resources", {}).get("limits", {}).get("memory")
            held = f"its limit of {limit}" if limit else "the memory of its node"
            return Failure(
                Reason.OUT_OF_MEMORY,
                f"Pod {pod.name}: container {container.name} was killed because it needed more than {held}. "
                "Raise spec.serving.resources.limits.memory.",
            )
    return None


def _image_not_pulled(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.waiting in _PULL_REASONS:
            return _pull_failure(pod, container, deployment)
    return None


def _pull_failure(pod: PodSeen, container: ContainerSeen, deployment: Manifest) -> Failure:
    cause = _quote(container.waiting_message.split("ErrImagePull: ")[-1])
    model_image = _model_image(deployment)
    if model_image and f'"{model_image}"' in container.waiting_message:
        return Failure(
            Reason.MODEL_IMAGE_PULL_FAILED,
            f"Pod {pod.name}: the model image {model_image} cannot be pulled: {cause}. "
            "Check spec.model.source.image.reference and spec.serving.pod.imagePullSecrets.",
        )
    image = _of_container(deployment, container.name).get("image", "")
    return Failure(
        Reason.IMAGE_PULL_FAILED,
        f"Pod {pod.name}: the serving image {image} cannot be pulled: {cause}. "
        "Check spec.serving.image (or the operator's default) and spec.serving.pod.imagePullSecrets.",
    )


def _reference_missing(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.waiting not in _START_REASONS:
            continue
        message = _quote(container.waiting_message)
        if _REFERENCE.search(message):
            return Failure(
                Reason.REFERENCE_MISSING,
                f"Pod {pod.name}: {message}. Create it in the model's namespace, or correct secretRef or "
                "caBundleRef under spec.model.source; the pod goes on by itself.",
            )
        return Failure(
            Reason.CONTAINER_NOT_STARTED,
            f"Pod {pod.name}: container {container.name} cannot be started: {message}. "
            "Check spec.serving.image and spec.serving.pod.",
        )
    return None


def _not_placed(pod: PodSeen, deployment: Manifest) -> Failure | None:
    if not pod.unschedulable:
        return None
    message = _quote(pod.unschedulable)
    if "persistentvolumeclaim" in message.lower():
        return Failure(
            Reason.VOLUME_MISSING,
            f"Pod {pod.name}: {message}. Create or bind the claim, or correct spec.model.source.volume.claimName.",
        )
    return Failure(
        Reason.UNSCHEDULABLE,
        f"Pod {pod.name} fits on no node: {message} Lower spec.serving.resources.requests, add nodes, or relax "
        "nodeSelector, affinity and tolerations under spec.serving.pod.",
    )


def _crash_loop(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.exit_code is None or (container.restarts < 2 and container.waiting != "CrashLoopBackOff"):
            continue
        last_words = _quote(container.ended_message) or "it left no message"
        return Failure(
            Reason.CRASH_LOOP,
            f"Pod {pod.name}: container {container.name} keeps ending with exit code {container.exit_code}: "
            f"{last_words}. See kubectl logs --previous {pod.name} -c {container.name}.",
        )
    return None


def _replica_failure(deployment: Manifest) -> Failure | None:
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return _creation_refused(f"Deployment {deployment['metadata']['name']}", condition.get("message", ""))
    return None


def _creation_refused(subject: str, message: str) -> Failure:
    quoted = _quote(re.sub(r'pods "[^"]+" is', "pods are", message))  # the pod's name differs on every try
    if "exceeded quota" in message or "must specify" in message:
        remedy = "Ask for a larger ResourceQuota, or lower spec.serving.replicas or spec.serving.resources."
        return Failure(Reason.QUOTA_EXCEEDED, f"{subject} cannot make pods: {quoted}. {remedy}")
    if _REFERENCE.search(message):
        remedy = "Create it, or correct spec.serving.pod."
        return Failure(Reason.REFERENCE_MISSING, f"{subject} cannot make pods: {quoted}. {remedy}")
    remedy = "Change spec.serving.pod, spec.serving.resources or spec.serving.image to what the namespace admits."
    return Failure(Reason.PODS_REFUSED, f"{subject} cannot make pods: {quoted}. {remedy}")


def _refused(refusals: Sequence[Refusal]) -> Failure | None:
    if not refusals:
        return None
    refusal = min(refusals, key=lambda each: each.ref)
    reason, remedy = _blamed(refusal)
    return Failure(reason, f"The API server refused {refusal.ref}: {_quote(refusal.message)}. {remedy}")


def _blamed(refusal: Refusal) -> tuple[Reason, str]:
    if refusal.is_invalid:
        return Reason.SPEC_INVALID, "Correct the field under spec.serving that it comes from."
    if "exceeded quota" in refusal.message:
        return Reason.QUOTA_EXCEEDED, "Ask for a larger ResourceQuota."
    return Reason.WRITE_REFUSED, "Ask who runs the namespace."


_REFERENCE = re.compile(r"(secret|configmap|serviceaccount) \"[^\"]+\" not found|couldn't find key", re.IGNORECASE)

_CHECKS: tuple[Callable[[PodSeen, Manifest], Failure | None], ...] = (
    _said_by_container,
    _out_of_memory,
    _said_by_probe,
    _image_not_pulled,
    _reference_missing,
    _not_placed,
    _crash_loop,
)
"""In the order of how much they explain: what our own container said comes first."""


def _pod_spec(deployment: Manifest) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = deployment.get("spec", {}).get("template", {}).get("spec", {})
    return spec


def _of_container(deployment: Manifest, name: str) -> Mapping[str, Any]:
    spec = _pod_spec(deployment)
    every = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    return next((container for container in every if container["name"] == name), {})


def _model_image(deployment: Manifest) -> str:
    references = (v["image"].get("reference", "") for v in _pod_spec(deployment).get("volumes") or () if "image" in v)
    return next(references, "")


def _quote(text: str) -> str:
    """Somebody else's words on one line, bounded, without their full stop."""
    words = " ".join(text.split()).rstrip(".")
    return words if len(words) <= QUOTE_LIMIT else f"{words[:QUOTE_LIMIT]}…"
