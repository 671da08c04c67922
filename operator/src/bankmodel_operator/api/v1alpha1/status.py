"""The status: what the operator saw and decided. Written whole by the operator, and its only memory.

Reading is tolerant on purpose: a newer operator may have saved a state or a reason that this one does not know, and the
answer to that is to hold, not to crash. So nothing here is an enum, and bounds hold in the CRD only.
"""

from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from bankmodel_operator.api.v1alpha1.base import Model

__all__ = [
    "BankModelStatus",
    "CertificateStatus",
    "Condition",
    "HistoryEntry",
    "LeadTime",
    "RevisionStatus",
    "RolloutStatus",
    "VerdictStatus",
]


def _schema(**extra: Any) -> Any:
    """Return field settings that bound the CRD's schema but not the reader."""
    return Field(json_schema_extra=extra)


Word = Annotated[str, _schema(maxLength=253)]
Text = Annotated[str, _schema(maxLength=4096)]
Count = Annotated[int, _schema(minimum=0)]


class Condition(Model):
    """One observation, as in every Kubernetes object."""

    type: Annotated[str, _schema(maxLength=64)]
    """Ready, Reconciling, Stalled, Available or CertificateValid."""
    status: Annotated[str, _schema(enum=["True", "False", "Unknown"])]
    """True, False or Unknown."""
    reason: Annotated[str, _schema(maxLength=128)] = ""
    """Why, in one CamelCase word for programs."""
    message: Text = ""
    """Why, in a sentence for people that says what to do."""
    last_transition_time: AwareDatetime | None = None
    """When status last changed."""
    observed_generation: Count = 0
    """The generation of the spec this was said about."""


class RevisionStatus(Model):
    """A revision: what was asked of a pod, under a name made from it."""

    revision: Word
    """Name of the revision: 10 hexadecimal characters."""
    version: Word = ""
    """The model version people know it by."""
    sha256: Word = ""
    """Digest of the ONNX file."""
    image: Annotated[str, _schema(maxLength=512)] = ""
    """Serving image that was resolved when the revision was made."""
    since: AwareDatetime | None = None
    """Since when it has this role."""


class VerdictStatus(Model):
    """What one check found in the present step."""

    name: Word
    """Name of the check; restarts is the operator's own."""
    verdict: Annotated[str, _schema(maxLength=16)] = ""
    """PASS, FAIL or UNKNOWN. Unknown is never success."""
    value: Annotated[str, _schema(maxLength=32)] = ""
    """What was observed. Empty: nothing."""
    limit: Annotated[str, _schema(maxLength=32)] = ""
    """The limit it is held against."""
    requests: Count = 0
    """On how many requests, decisions or scores it rests."""
    message: Annotated[str, _schema(maxLength=200)] = ""
    """What it means, in a sentence for people."""


class RolloutStatus(Model):
    """Where a change stands."""

    state: Word = ""
    """Starting, Serving, Progressing or Draining."""
    target: RevisionStatus | None = None
    """The revision that is on its way. Absent: nothing is."""
    superseded: Annotated[tuple[Word, ...], _schema(maxItems=16, **{"x-kubernetes-list-type": "atomic"})] = ()
    """Revisions that no longer answer and still drain."""
    generation: Count = 0
    """Generation of the routing table; it only grows."""
    weight: Annotated[int, _schema(minimum=0, maximum=100)] = 0
    """Share of the requests the revision on trial answers, in percent."""
    capacity: Count = 0
    """Replicas the stable revision keeps at least until the change is over. 0: no change is under way."""
    since: AwareDatetime | None = None
    """Since when the state holds."""
    until: AwareDatetime | None = None
    """When a drain ends at the latest."""


class HistoryEntry(Model):
    """A revision that was stable once."""

    revision: Word
    """Name of the revision."""
    version: Word = ""
    """The model version people know it by."""
    sha256: Word = ""
    """Digest of the ONNX file."""
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    """When it became stable."""
    until: AwareDatetime | None = None
    """When it ceased to be. Absent: it still is."""


class CertificateStatus(Model):
    """The certificate that pods show their callers; of several the one that expires first."""

    not_before: AwareDatetime | None = None
    """From when it is valid."""
    not_after: AwareDatetime | None = None
    """When it expires."""


class LeadTime(Model):
    """How long the last change took to reach callers."""

    revision: Word = ""
    """The revision these times belong to."""
    applied: AwareDatetime | None = None
    """When the operator first saw it asked for."""
    ready: AwareDatetime | None = None
    """When its pods were ready."""
    promoted: AwareDatetime | None = None
    """When it became stable."""


class BankModelStatus(Model):
    """What the operator saw and decided."""

    observed_generation: Count = 0
    """The generation of the spec that was last acted upon."""
    url: Annotated[str, _schema(maxLength=512)] = ""
    """Where the model answers inside the cluster."""
    replicas: Count = 0
    """Pods of the stable revision, for the scale subresource."""
    selector: Annotated[str, _schema(maxLength=1024)] = ""
    """Label selector of the stable pods, for the scale subresource."""
    conditions: Annotated[
        tuple[Condition, ...],
        _schema(maxItems=16, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = ()
    """Ready: serving and fully rolled out. Reconciling: work goes on. Stalled: it needs somebody.
    Available: the stable revision serves. CertificateValid, with TLS: its certificate can be used, and for how long."""
    stable: RevisionStatus | None = None
    """The revision that answers."""
    rollout: RolloutStatus = RolloutStatus()
    """Where a change stands."""
    history: Annotated[tuple[HistoryEntry, ...], _schema(maxItems=10, **{"x-kubernetes-list-type": "atomic"})] = ()
    """The last revisions that were stable, newest first."""
    lead_time: LeadTime | None = None
    """How long the last change took."""
    certificate: CertificateStatus | None = None
    """With TLS: the certificate in use, as the pods report it."""
