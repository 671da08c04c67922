"""What a user may set on the serving pods. Passed on as written; every change here makes a new revision."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.v1alpha1.base import EnvName, LabelKey, Model, ObjectName, atomic, map_by
from bankmodel_operator.api.v1alpha1.selector import LabelSelector, LabelText
from bankmodel_operator.api.v1alpha1.source import Reference

__all__ = ["EnvVar", "Pod", "PodLabels", "Toleration", "TopologySpreadConstraint"]

_OWN_LABELS: Final = Rule(
    "self.all(key, !key.startsWith('serving.bankmodel.io/') && !key.startsWith('app.kubernetes.io/'))",
    "labels with serving.bankmodel.io/ and app.kubernetes.io/ are the operator's own: "
    "use another prefix, such as your bank's domain",
)
_OWN_ANNOTATIONS: Final = Rule(
    "self.all(key, !key.startsWith('serving.bankmodel.io/'))",
    "annotations with serving.bankmodel.io/ are the operator's own: use another prefix, such as your bank's domain",
)
PodLabels = Annotated[dict[str, LabelText], Field(max_length=32, json_schema_extra=validations(_OWN_LABELS))]
Annotations = Annotated[
    dict[str, Annotated[str, Field(max_length=4096)]],
    Field(max_length=32, json_schema_extra=validations(_OWN_ANNOTATIONS)),
]
Policy = Literal["Honor", "Ignore"]


class EnvVar(Model):
    """One environment variable of the serving container."""

    name: EnvName
    """Name of the variable. Names starting with BANKMODEL_ are the operator's own."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value. Not for secrets: the value is readable by whoever may read BankModels."""


class Toleration(Model):
    """A taint the pods may be scheduled onto; same fields as a pod's."""

    key: Annotated[str, Field(max_length=317)] | None = None
    """The taint's key. Absent: every key (operator must be Exists)."""
    operator: Literal["Equal", "Exists"] | None = None
    """How key and value are compared. Absent: Equal."""
    value: LabelText | None = None
    """The taint's value, for Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect. Absent: every effect."""
    toleration_seconds: Annotated[int, Field(ge=0, le=2**53)] | None = None
    """For NoExecute: seconds a pod stays after the taint appears. Absent: for ever."""


class TopologySpreadConstraint(Model):
    """How the pods spread over zones or nodes; same fields as a pod's."""

    max_skew: Annotated[int, Field(ge=1, le=1000)]
    """Greatest difference in pods between two domains."""
    topology_key: LabelKey
    """Node label that names the domain, such as topology.kubernetes.io/zone."""
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    """What to do with a pod that would break the rule."""
    label_selector: LabelSelector | None = None
    """The pods that are counted. Absent: the pods of the same revision."""
    min_domains: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Least number of domains, for DoNotSchedule."""
    match_label_keys: Annotated[tuple[LabelKey, ...], atomic(8)] = ()
    """Pod labels whose values also tell the counted pods apart."""
    node_affinity_policy: Policy | None = None
    """Whether the pod's node affinity limits the domains. Absent: Honor."""
    node_taints_policy: Policy | None = None
    """Whether node taints limit the domains. Absent: Ignore."""


class Pod(Model):
    """Settings of the serving pods. A change replaces the pods beside the running ones, without a restart in place."""

    labels: PodLabels = {}
    """Further labels for the pods."""
    annotations: Annotations = {}
    """Further annotations for the pods."""
    env: Annotated[tuple[EnvVar, ...], map_by("name", 64)] = ()
    """Environment variables for the serving container, such as a proxy or a locale."""
    node_selector: Annotated[dict[str, LabelText], Field(max_length=32)] = {}
    """Labels a node must have."""
    affinity: dict[str, Any] | None = None
    """Node and pod affinity exactly as in a pod's spec; checked when the Deployment is applied."""
    tolerations: Annotated[tuple[Toleration, ...], atomic(32)] = ()
    """Taints the pods may be scheduled onto."""
    topology_spread_constraints: Annotated[tuple[TopologySpreadConstraint, ...], atomic(8)] = ()
    """How the pods spread. Absent: over zones and nodes where possible."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the pods. Absent: the cluster's default."""
    image_pull_secrets: Annotated[tuple[Reference, ...], map_by("name", 16)] = ()
    """Secrets for pulling the serving image and a model's image source."""
    service_account_name: ObjectName | None = None
    """ServiceAccount the pods run as, for admission and pull secrets; its token is never mounted. Absent: default."""
    termination_grace_period_seconds: Annotated[int, Field(ge=25, le=3600)] = 30
    """Seconds a pod gets to stop. At least 25: a serving pod drains for up to 20."""
