"""BankModel v1alpha1 as frozen models: read once at the edge with `BankModel.model_validate`, trusted by all layers.

Quantities are canonical and durations are `timedelta` once read; fields that are unknown are ignored.
"""

from typing import Final

from pydantic import AwareDatetime

from bankmodel_operator.api.v1alpha1.base import Model
from bankmodel_operator.api.v1alpha1.checks import Check, PrometheusQuery
from bankmodel_operator.api.v1alpha1.pod import EnvVar, Pod, Toleration, TopologySpreadConstraint
from bankmodel_operator.api.v1alpha1.rollout import Rollout, Shadow, Step, StickyBy
from bankmodel_operator.api.v1alpha1.selector import Caller, LabelSelector, LabelSelectorRequirement
from bankmodel_operator.api.v1alpha1.serving import MAX_REPLICAS, MAX_WORKERS, Autoscaling, Resources, Serving, Tls
from bankmodel_operator.api.v1alpha1.source import (
    HttpSource,
    ImageSource,
    ModelFile,
    Reference,
    S3Source,
    Source,
    VolumeSource,
)
from bankmodel_operator.api.v1alpha1.spec import BankModelSpec, Monitoring, Scrape, Tier
from bankmodel_operator.api.v1alpha1.status import (
    BankModelStatus,
    CertificateStatus,
    Condition,
    HistoryEntry,
    LeadTime,
    RevisionStatus,
    RolloutStatus,
)

__all__ = [
    "CATEGORY",
    "GROUP",
    "KIND",
    "MAX_REPLICAS",
    "MAX_WORKERS",
    "PLURAL",
    "SHORT_NAME",
    "VERSION",
    "Autoscaling",
    "BankModel",
    "BankModelSpec",
    "BankModelStatus",
    "Caller",
    "CertificateStatus",
    "Check",
    "Condition",
    "EnvVar",
    "HistoryEntry",
    "HttpSource",
    "ImageSource",
    "LabelSelector",
    "LabelSelectorRequirement",
    "LeadTime",
    "Metadata",
    "Model",
    "ModelFile",
    "Monitoring",
    "Pod",
    "PrometheusQuery",
    "Reference",
    "Resources",
    "RevisionStatus",
    "Rollout",
    "RolloutStatus",
    "S3Source",
    "Scrape",
    "Serving",
    "Shadow",
    "Source",
    "Step",
    "StickyBy",
    "Tier",
    "Tls",
    "Toleration",
    "TopologySpreadConstraint",
    "VolumeSource",
]

GROUP: Final = "serving.bankmodel.io"
VERSION: Final = "v1alpha1"
KIND: Final = "BankModel"
PLURAL: Final = "bankmodels"
SHORT_NAME: Final = "bm"
CATEGORY: Final = "bankmodel"


class Metadata(Model):
    """The part of an object's metadata the operator uses. Not in the CRD: the API server owns its schema."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: AwareDatetime | None = None
    deletion_timestamp: AwareDatetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class BankModel(Model):
    """A BankModel as read from the API server."""

    metadata: Metadata
    spec: BankModelSpec
    status: BankModelStatus = BankModelStatus()
