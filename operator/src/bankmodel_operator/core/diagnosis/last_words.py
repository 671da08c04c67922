"""What our own containers say about themselves: their last words, and the probe of one that runs without being ready."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from bankmodel_operator.core.conditions import Failure, Reason
from bankmodel_operator.core.diagnosis.words import quoted
from bankmodel_operator.core.observation import Manifest, PodSeen

OWN_WORDS_LIMIT = 600
"""Characters of a container's message: two digests and two paths fit."""

REMEDIES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.DIGEST_MISMATCH: "",
        Reason.SOURCE_UNREACHABLE: " Check that the source answers in the model's namespace (name, port, egress rules, "
        "caBundleRef); the pod goes on by itself.",
        Reason.SOURCE_DENIED: "",
        Reason.SOURCE_NOT_FOUND: "",
        Reason.MODEL_INVALID: " Look at the file with `bankmodel inspect`, or export it again.",
        Reason.GOLDEN_VECTORS_FAILED: " The file does not score here as it did where it was exported: export it again, "
        "or set spec.serving.image to the runtime it was made with.",
        Reason.CERTIFICATE_INVALID: " Correct the Secrets that spec.serving.tls names (keys tls.crt and tls.key; ca.crt for "
        "clientCASecretName); the pod goes on by itself.",
        Reason.SETTINGS_INVALID: " They come from spec.model.source, spec.serving.pod.env and the serving image.",
    }
)
"""The reasons a container may give, and what to do where its own message does not say it."""


def said_by_container(pod: PodSeen, deployment: Manifest) -> Failure | None:
    """Our containers leave one line of JSON behind before they give up."""
    return next((found for each in pod.containers if (found := _parsed(pod, each.ended_message))), None)


def said_by_probe(pod: PodSeen, deployment: Manifest) -> Failure | None:
    """Why a container that runs is not ready, where that will not pass."""
    report = pod.report
    return _failure(pod, report.ready_reason, report.ready_message or "") if report else None


def _parsed(pod: PodSeen, text: str) -> Failure | None:
    try:
        words = json.loads(text)
    except ValueError:
        return None
    return _failure(pod, words.get("reason"), str(words.get("message", ""))) if isinstance(words, dict) else None


def _failure(pod: PodSeen, reason: object, message: str) -> Failure | None:
    known = next((each for each in REMEDIES if each == reason), None)
    if known is None:
        return None
    return Failure(known, f"Pod {pod.name}: {quoted(message, OWN_WORDS_LIMIT)}.{REMEDIES[known]}")
