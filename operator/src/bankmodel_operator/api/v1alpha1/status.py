"""The status: what the operator saw and decided. Written whole by the operator, and its only memory.

Reading is tolerant on purpose: a newer operator may have saved a state or a reason that this one does not know, and the
answer to that is to hold, not to crash. So nothing here is an enum, and bounds hold in the CRD only.
"""

from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from bankmodel_operator.api.v1alpha1.base import Model

__all__ = [
    "BankModelStatus",
    "CanaryStatus",
    "CertificateStatus",
    "Condition",
    "FitStatus",
    "HistoryEntry",
    "LadderStatus",
    "LeadTime",
    "RejectedEntry",
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


class CanaryStatus(RevisionStatus):
    """The revision on trial, and how much is known of it."""

    requests: Count = 0
    """Requests it had on this rung, copies included."""
    needed: Count = 0
    """Requests it needs on this rung before all checks can say something."""
    eta: AwareDatetime | None = None
    """When it will have had them, at today's pace."""


class RungStatus(Model):
    """One rung of the ladder."""

    weight: Annotated[int, _schema(minimum=0, maximum=100)] = 0
    """Share of the requests in percent. 0: the shadow rung, with copies of all of them."""
    hold: Word = ""
    """The least time on it."""


class StickyStatus(Model):
    """One of both."""

    parameter: Word = ""
    """A request parameter."""
    input: Word = ""
    """A model input."""


class LadderStatus(Model):
    """The ladder, as it was when the rollout started."""

    rungs: Annotated[tuple[RungStatus, ...], _schema(maxItems=22, **{"x-kubernetes-list-type": "atomic"})] = ()
    """From the first to the last, at which the canary answers everything."""
    sticky_by: StickyStatus | None = None
    """By what requests keep their revision. Absent: by nothing."""


class WatchedStatus(Model):
    """Time that counts, because somebody watched."""

    held: Word = ""
    """How much."""
    seen: AwareDatetime | None = None
    """Up to when."""


class FitStatus(Model):
    """How the canary fits to what callers send and expect."""

    awaits: Annotated[
        tuple[Annotated[str, _schema(maxLength=253)], ...],
        _schema(maxItems=256, **{"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """Inputs it needs and the stable revision does not declare."""
    outputs: Text = ""
    """How its outputs differ. Empty: they do not."""


class RolloutStatus(Model):
    """Where a change stands."""

    state: Word = ""
    """Starting, Serving, Progressing, Preparing, Climbing, Withdrawing, Baking or Draining; docs/rollout.md has them."""
    target: RevisionStatus | None = None
    """The revision that is on its way without a trial. Absent: none is."""
    before: RevisionStatus | None = None
    """In bake: the revision that was stable before, and can be again at once."""
    ladder: LadderStatus | None = None
    """The ladder that the canary climbs, or in bake has climbed."""
    step: Count = 0
    """The rung it is on, counted from 0."""
    highest_step: Count = 0
    """The highest rung so far, whose pods stay when the weight goes back."""
    mirror: bool = False
    """On the shadow rung: the canary scores copies."""
    started: AwareDatetime | None = None
    """When the trial began."""
    watched: WatchedStatus | None = None
    """How long the rung, or the bake, was watched. Absent: its weight is not in force yet."""
    fit: FitStatus | None = None
    """How the canary fits to what callers send and expect. Absent: not known yet."""
    promotion_ordered: bool = False
    """Somebody ordered the promotion."""
    promotion_spent: bool = False
    """An order to promote was left over from before, and does not count for this trial."""
    exposed: bool = False
    """The canary had requests before, and gets none for now."""
    canary_capacity: Count = 0
    """Replicas of a canary that is taken back, until it goes."""
    verdicts: Annotated[
        tuple[VerdictStatus, ...],
        _schema(maxItems=17, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = ()
    """What each check says of this rung."""
    judged: AwareDatetime | None = None
    """When these figures were taken."""
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


class RejectedEntry(Model):
    """A revision that must not be tried again by itself."""

    revision: Word
    """Name of the revision."""
    version: Word = ""
    """The model version people know it by."""
    sha256: Word = ""
    """Digest of the ONNX file."""
    cause: Word = ""
    """Model: its digest is rejected in any other dress as well. Infrastructure: only this revision is."""
    reason: Annotated[str, _schema(maxLength=128)] = ""
    """Why, in one word: CheckFailed, Aborted, DeadlineExceeded or NoData."""
    message: Text = ""
    """Why, in a sentence with figures."""
    at: AwareDatetime | None = None
    """When."""
    retry: Annotated[str, _schema(maxLength=64)] = ""
    """spec.rollout.retry as it was then; only another text tries again."""
    earlier_retries: Annotated[
        tuple[Annotated[str, _schema(maxLength=64)], ...],
        _schema(maxItems=10, **{"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """Texts that were used for it before."""
    again: bool = False
    """True: a new text had it tried again after this."""


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
    first_traffic: AwareDatetime | None = None
    """When it answered its first share of the requests. Absent for one that replaced another without a trial."""
    promoted: AwareDatetime | None = None
    """When it became stable."""


class BankModelStatus(Model):
    """What the operator saw and decided."""

    observed_generation: Annotated[int, _schema(minimum=-1)] = 0
    """The generation of the spec that was last acted upon. -1: none yet."""
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
    canary: CanaryStatus | None = None
    """The revision on trial. Absent: none is."""
    rollout: RolloutStatus = RolloutStatus()
    """Where a change stands."""
    history: Annotated[tuple[HistoryEntry, ...], _schema(maxItems=10, **{"x-kubernetes-list-type": "atomic"})] = ()
    """The last revisions that were stable, newest first."""
    rejected: Annotated[tuple[RejectedEntry, ...], _schema(maxItems=10, **{"x-kubernetes-list-type": "atomic"})] = ()
    """Revisions that were taken back, newest first."""
    lead_time: LeadTime | None = None
    """How long the last change took."""
    certificate: CertificateStatus | None = None
    """With TLS: the certificate in use, as the pods report it."""
