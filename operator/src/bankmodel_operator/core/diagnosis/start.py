"""What Kubernetes says about a pod that does not start: placing it, pulling its images, creating and running its containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bankmodel_operator.core.conditions import Failure, Reason
from bankmodel_operator.core.diagnosis.words import is_about_a_reference, quoted
from bankmodel_operator.core.observation import ContainerSeen, Manifest, PodSeen

_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_START_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError")


def out_of_memory(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.ended == "OOMKilled":
            settings = _of_container(deployment, container.name)
            limit = settings.get("resources", {}).get("limits", {}).get("memory")
            held = f"its limit of {limit}" if limit else "the memory of its node"
            return Failure(
                Reason.OUT_OF_MEMORY,
                f"Pod {pod.name}: container {container.name} was killed because it needed more than {held}. "
                f"Raise spec.serving.resources.limits.memory{_or_fewer_workers(settings)}.",
            )
    return None


def _or_fewer_workers(container: Manifest) -> str:
    is_alone = "--workers" not in container.get("args", ())
    return "" if is_alone else ", or lower spec.serving.workers: each of them holds the model"


def image_not_pulled(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.waiting in _PULL_REASONS:
            return _pull_failure(pod, container, deployment)
    return None


def _pull_failure(pod: PodSeen, container: ContainerSeen, deployment: Manifest) -> Failure:
    cause = quoted(container.waiting_message.split("ErrImagePull: ")[-1])
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


def container_not_started(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.waiting not in _START_REASONS:
            continue
        message = quoted(container.waiting_message)
        if is_about_a_reference(message):
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


def not_placed(pod: PodSeen, deployment: Manifest) -> Failure | None:
    if not pod.unschedulable:
        return None
    message = quoted(pod.unschedulable)
    if "persistentvolumeclaim" in message.lower():
        return Failure(
            Reason.VOLUME_MISSING,
            f"Pod {pod.name}: {message}. Create or bind the claim, or correct spec.model.source.volume.claimName.",
        )
    return Failure(
        Reason.UNSCHEDULABLE,
        f"Pod {pod.name} fits on no node: {message}. Lower spec.serving.resources.requests, add nodes, or relax "
        "nodeSelector, affinity and tolerations under spec.serving.pod.",
    )


def crash_loop(pod: PodSeen, deployment: Manifest) -> Failure | None:
    for container in pod.containers:
        if container.exit_code is None or (container.restarts < 2 and container.waiting != "CrashLoopBackOff"):
            continue
        last_words = quoted(container.ended_message) or "it left no message"
        return Failure(
            Reason.CRASH_LOOP,
            f"Pod {pod.name}: container {container.name} keeps ending with exit code {container.exit_code}: "
            f"{last_words}. See kubectl logs --previous {pod.name} -c {container.name}.",
        )
    return None


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
