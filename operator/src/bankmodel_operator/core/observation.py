"""What was seen in one pass: the only input of the decision besides settings and the time.

The cluster layer gathers it (`cluster.observe`); `core.rollout.decide` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.analysis.samples import Sample
from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.core.analysis.window import Window
from bankmodel_operator.core.names import CONTAINER_SERVING, ObjectRef

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What this cluster can do, looked up at start and again on every resync."""

    pod_monitor: bool = False
    image_volumes: bool = True
    version: str = ""


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """The settings the decisions depend on; the shell builds it from the environment."""

    serving_image: str
    operator_namespace: str
    monitoring_namespaces: tuple[str, ...] = ()
    drain_deadline: timedelta = timedelta(seconds=30)
    scrape_interval: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a pod shows its callers. `is_latest`: and it could use the Secret as it is now."""

    not_before: datetime
    not_after: datetime
    is_latest: bool = True


@dataclass(frozen=True, slots=True)
class Peers:
    """By what pods trust each other: fingerprints of the certificate in use and of the authorities beside it. `problem`: why
    pods can't show each other this certificate, in OpenSSL's words; empty where they can."""

    certificate: str
    authorities: frozenset[str]
    problem: str


@dataclass(frozen=True, slots=True)
class InputDescribed:
    """One input of a revision's file. `is_required`: a request without it is refused."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    is_required: bool


@dataclass(frozen=True, slots=True)
class OutputDescribed:
    """One output of a revision's file."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """What a revision needs and gives, as its pods read it from the file. `cutoff`: the card's, where a decision flips."""

    revision: str
    sha256: str
    version: str
    inputs: tuple[InputDescribed, ...]
    outputs: tuple[OutputDescribed, ...]
    score_output: str | None
    cutoff: float | None
    has_card: bool
    has_baseline: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a pod said about itself on port 9090. `None`: it did not say.

    `effective_weight`: percent it really sends on to the canary; `described` only where it was asked for.
    """

    generation: int | None = None
    connections: int | None = None
    ready_reason: str | None = None
    ready_message: str | None = None
    certificate: Certificate | None = None
    sample: Sample | None = None
    effective_weight: int | None = None
    is_mirroring: bool | None = None
    described: Described | None = None
    peers: Peers | None = None


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """One container's latest state, waiting or terminated; the last termination where it restarted."""

    name: str
    running: bool = False
    restarts: int = 0
    waiting: str = ""
    waiting_message: str = ""
    ended: str = ""
    ended_message: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class PodSeen:
    """One pod of the model, parsed by `core.pods.see`. `started`: when its scoring container did; None while it does not run."""

    name: str
    uid: str
    revision: str
    ip: str = ""
    ready: bool = False
    deleting: bool = False
    nudged: str = ""
    unschedulable: str = ""
    failed: str = ""
    containers: tuple[ContainerSeen, ...] = ()
    report: Report | None = None
    started: datetime | None = None

    @property
    def restarts(self) -> int:
        """How often the scoring container was started again."""
        return sum(c.restarts for c in self.containers if c.name == CONTAINER_SERVING)

    @property
    def is_running(self) -> bool:
        """Whether the scoring container runs, so that it may hold connections and can be scraped."""
        return any(c.running for c in self.containers if c.name == CONTAINER_SERVING)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write the API server refused in the previous pass of this process (quota, admission, a field it does not know)."""

    ref: ObjectRef
    message: str
    is_invalid: bool = False
    """The object itself was at fault, not the rights or the room for it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at a model and everything of it.

    `status` is the saved status as read, raw: fields of a newer operator survive a write by this one.
    `owned` are live children by controller reference; `foreign` are live objects under a name of
    `core.rollout.needed` that are not ours, leftovers of a deleted namesake included.
    """

    model: BankModel
    status: Mapping[str, Any] = field(default_factory=dict)
    owned: tuple[Manifest, ...] = ()
    foreign: tuple[Manifest, ...] = ()
    pods: tuple[PodSeen, ...] = ()
    cluster: ClusterFacts = ClusterFacts()
    refusals: tuple[Refusal, ...] = ()
    window: Window | None = None
    """The evidence as this process gathered it up to the last pass; None: it has none in memory."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """What outside queries said lately, by the name of their check."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """Set the routing-generation annotation of this pod, so that its kubelet reads the table at once."""

    pod: str
    uid: str
    value: str


@dataclass(frozen=True, slots=True)
class Event:
    """A turning point, for `kubectl describe`."""

    type: str
    reason: str
    message: str


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
