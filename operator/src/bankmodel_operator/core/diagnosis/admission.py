"""What was not let in: pods that the API server refuses the Deployment, and writes that it refused the operator."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bankmodel_operator.core.conditions import Failure, Reason
from bankmodel_operator.core.diagnosis.words import is_about_a_reference, quoted
from bankmodel_operator.core.observation import Manifest, Refusal


def pods_refused(deployment: Manifest) -> Failure | None:
    """Why the Deployment cannot make its pods, in the words of its condition."""
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return _creation_refused(f"Deployment {deployment['metadata']['name']}", condition.get("message", ""))
    return None


def writes_refused(refusals: Sequence[Refusal]) -> Failure | None:
    """One of the writes the previous pass could not make, always the same one while it stands."""
    if not refusals:
        return None
    refusal = min(refusals, key=lambda each: each.ref)
    reason, remedy = _blamed(refusal)
    return Failure(reason, f"The API server refused {refusal.ref}: {quoted(refusal.message)}. {remedy}")


def _creation_refused(subject: str, message: str) -> Failure:
    told = quoted(re.sub(r'pods "[^"]+" is', "pods are", message))  # the pod's name differs on every try
    if "exceeded quota" in message or "must specify" in message:
        remedy = "Ask for a larger ResourceQuota, or lower spec.serving.replicas or spec.serving.resources."
        return Failure(Reason.QUOTA_EXCEEDED, f"{subject} cannot make pods: {told}. {remedy}")
    if is_about_a_reference(message):
        remedy = "Create it, or correct spec.serving.pod."
        return Failure(Reason.REFERENCE_MISSING, f"{subject} cannot make pods: {told}. {remedy}")
    remedy = "Change spec.serving.pod, spec.serving.resources or spec.serving.image to what the namespace admits."
    return Failure(Reason.PODS_REFUSED, f"{subject} cannot make pods: {told}. {remedy}")


def _blamed(refusal: Refusal) -> tuple[Reason, str]:
    if refusal.is_invalid:
        return Reason.SPEC_INVALID, "Correct the field under spec.serving that it comes from."
    if "exceeded quota" in refusal.message:
        return Reason.QUOTA_EXCEEDED, "Ask for a larger ResourceQuota."
    return Reason.WRITE_REFUSED, "Ask who runs the namespace."
