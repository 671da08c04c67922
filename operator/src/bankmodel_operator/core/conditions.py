"""Reasons, and the four conditions of a BankModel, to the rules of kstatus.

`Ready`: serving and fully rolled out. `Reconciling` and `Stalled`: on the way, or stuck until somebody
acts; never both. `Available`: the stable revision answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from bankmodel_operator.core.observation import format_time

MESSAGE_LIMIT = 1024
"""Characters of a condition's message; Kubernetes allows 32768, people read less."""


class Reason(StrEnum):
    """Stable words for `reason`; the sentence beside it is for people and may change."""

    NOT_SEEN = "NotSeen"
    STARTING = "Starting"
    SERVING = "Serving"
    SCALING = "Scaling"
    PROGRESSING = "Progressing"
    DRAINING = "Draining"
    PREPARING = "Preparing"
    INPUTS_AWAITED = "InputsAwaited"
    SHADOWING = "Shadowing"
    VERIFYING = "Verifying"
    ON_STEP = "OnStep"
    PAUSED = "Paused"
    PROMOTING = "Promoting"
    BAKING = "Baking"
    WITHDRAWING = "Withdrawing"
    SUSPENDED = "Suspended"
    WAITING_FOR_LEFTOVERS = "WaitingForLeftovers"
    UNAVAILABLE = "Unavailable"
    NOT_STALLED = "NotStalled"
    NOT_UNDERSTOOD = "NotUnderstood"

    DIGEST_MISMATCH = "DigestMismatch"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    SOURCE_DENIED = "SourceDenied"
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_UNSUPPORTED = "SourceUnsupported"
    MODEL_INVALID = "ModelInvalid"
    GOLDEN_VECTORS_FAILED = "GoldenVectorsFailed"
    SETTINGS_INVALID = "SettingsInvalid"
    CERTIFICATE_INVALID = "CertificateInvalid"
    UNSCHEDULABLE = "Unschedulable"
    VOLUME_MISSING = "VolumeMissing"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    MODEL_IMAGE_PULL_FAILED = "ModelImagePullFailed"
    OUT_OF_MEMORY = "OutOfMemory"
    QUOTA_EXCEEDED = "QuotaExceeded"
    PODS_REFUSED = "PodsRefused"
    WRITE_REFUSED = "WriteRefused"
    REFERENCE_MISSING = "ReferenceMissing"
    CONTAINER_NOT_STARTED = "ContainerNotStarted"
    CRASH_LOOP = "CrashLoop"
    NAME_TAKEN = "NameTaken"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    SPEC_INVALID = "SpecInvalid"

    ROLLED_BACK = "RolledBack"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    NOT_VERIFIED = "NotVerified"
    INPUTS_NOT_SENT = "InputsNotSent"
    OUTPUTS_CHANGED = "OutputsChanged"
    STABLE_UNAVAILABLE = "StableUnavailable"
    CANARY_UNSUPPORTED = "CanaryUnsupported"
    CERTIFICATE_NOT_FOR_PEERS = "CertificateNotForPeers"
    NO_DATA = "NoData"


STALLING = frozenset(Reason) - {
    Reason.NOT_SEEN,
    Reason.STARTING,
    Reason.SERVING,
    Reason.SCALING,
    Reason.PROGRESSING,
    Reason.DRAINING,
    Reason.PREPARING,
    Reason.INPUTS_AWAITED,
    Reason.SHADOWING,
    Reason.VERIFYING,
    Reason.ON_STEP,
    Reason.PAUSED,
    Reason.PROMOTING,
    Reason.BAKING,
    Reason.WITHDRAWING,
    Reason.SUSPENDED,
    Reason.WAITING_FOR_LEFTOVERS,
    Reason.UNAVAILABLE,
    Reason.NOT_STALLED,
}
"""The reasons with which a model can be stuck until somebody acts; docs/runbooks.md has a section for each."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong and what to do about it: stuck until somebody acts."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """How it stands: `Done`, `Moving`, or `Stuck`; `Unsure` before anything was seen."""

    kind: Literal["Done", "Moving", "Stuck", "Unsure"]
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether the stable revision answers."""

    is_available: bool
    reason: Reason
    message: str


_OF_OUTLOOK = ("Ready", "Reconciling", "Stalled")
Condition = dict[str, Any]
Wanted = tuple[str, str, StrEnum, str]


def conditions(
    saved: Mapping[str, Any],
    outlook: Outlook,
    availability: Availability,
    *,
    generation: int,
    now: datetime,
    further: tuple[Wanted, ...] = (),
) -> list[Condition]:
    """The four conditions and further ones; each keeps its `lastTransitionTime` in the saved status unless it flips."""
    earlier = {each.get("type"): each for each in saved.get("conditions") or ()}
    return [
        _condition(earlier.get(wanted[0]), wanted, generation=generation, now=now)
        for wanted in (*_outlook_conditions(outlook), _available(availability), *further)
    ]


def with_spec_invalid(saved: Mapping[str, Any], faults: str, *, generation: int, now: datetime) -> dict[str, Any]:
    """The status of a model whose spec cannot be read; what serves is left alone, and `Available` as it was."""
    message = (
        f"The spec cannot be read: {faults}. Correct it; where the API server took it as it is, "
        "apply the CRD of this operator's version first."
    )
    stalled = Outlook("Stuck", Reason.SPEC_INVALID, message)
    unknown = Availability(False, Reason.UNAVAILABLE, "Nothing has been made yet.")
    before = [each for each in saved.get("conditions") or () if each.get("type") not in _OF_OUTLOOK]
    said = conditions(saved, stalled, unknown, generation=generation, now=now)
    kept = [{**each, "observedGeneration": generation} for each in before] or said[3:]
    return {**saved, "observedGeneration": generation, "conditions": [*said[:3], *kept]}


def _outlook_conditions(outlook: Outlook) -> tuple[Wanted, ...]:
    reason, message = outlook.reason, outlook.message
    ready = {"Done": "True", "Moving": "False", "Stuck": "False", "Unsure": "Unknown"}[outlook.kind]
    moving = outlook.kind in ("Moving", "Unsure") and reason is not Reason.NOT_UNDERSTOOD
    stuck = outlook.kind == "Stuck" or reason is Reason.NOT_UNDERSTOOD
    quiet = "Nothing stands in the way."
    return (
        ("Ready", ready, reason, message),
        ("Reconciling", str(moving), reason, message if moving else "No change is under way."),
        ("Stalled", str(stuck), reason if stuck else Reason.NOT_STALLED, message if stuck else quiet),
    )


def _available(availability: Availability) -> Wanted:
    return "Available", str(availability.is_available), availability.reason, availability.message


def _condition(old: Mapping[str, Any] | None, wanted: Wanted, *, generation: int, now: datetime) -> Condition:
    kind, status, reason, message = wanted
    is_flip = old is None or old.get("status") != status
    return {
        "type": kind,
        "status": status,
        "reason": str(reason),
        "message": message[:MESSAGE_LIMIT],
        "lastTransitionTime": format_time(now) if old is None or is_flip else old.get("lastTransitionTime"),
        "observedGeneration": generation,
    }
