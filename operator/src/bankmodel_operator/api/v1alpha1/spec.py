"""The spec: what a user asks for. Owned by the user alone; the operator never writes it."""

from typing import Annotated, Literal

from pydantic import Field

from bankmodel_operator.api.v1alpha1.base import LabelValue, Model
from bankmodel_operator.api.v1alpha1.pod import PodLabels
from bankmodel_operator.api.v1alpha1.rollout import Rollout
from bankmodel_operator.api.v1alpha1.serving import Serving
from bankmodel_operator.api.v1alpha1.source import ModelFile

__all__ = ["BankModelSpec", "Monitoring", "Scrape", "Tier"]

Tier = Literal["High", "Medium", "Low"]
Scrape = Literal["Auto", "PodMonitor", "Annotations", "Disabled"]


class Monitoring(Model):
    """How Prometheus finds the pods."""

    scrape: Scrape = "Auto"
    """PodMonitor: make a PodMonitor. Annotations: set prometheus.io annotations on the revision's Service.
    Disabled: neither. Auto: a PodMonitor where the cluster knows that kind, annotations otherwise."""
    labels: PodLabels = {}
    """Labels for the PodMonitor, where your Prometheus selects by label."""


class BankModelSpec(Model):
    """What is asked for."""

    owner: LabelValue
    """Who answers for the model, such as mortgage-risk; a label on everything made for it and in its metrics."""
    tier: Tier
    """How much depends on the model (its materiality)."""
    purpose: Annotated[str, Field(max_length=256)] = ""
    """What the model decides, in a sentence for people."""
    suspend: bool = False
    """True: the operator writes only status and touches nothing else; what runs goes on running."""
    model: ModelFile
    """The model to serve."""
    serving: Serving = Serving()
    """How it is served."""
    rollout: Rollout = Rollout()
    """How a change reaches the callers."""
    monitoring: Monitoring = Monitoring()
    """How Prometheus finds the pods."""
    revision_history_limit: Annotated[int, Field(ge=0, le=50)] = 10
    """How many records of retired revisions are kept."""
