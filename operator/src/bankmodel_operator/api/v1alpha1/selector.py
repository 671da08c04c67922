"""Label selectors and who may call: the parts of the spec that name other pods."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.v1alpha1.base import LabelKey, Model, atomic

__all__ = ["Caller", "LabelSelector", "LabelSelectorRequirement", "LabelText"]

LabelText = Annotated[str, Field(max_length=63)]


class LabelSelectorRequirement(Model):
    """One condition on a label."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                "In and NotIn need values; Exists and DoesNotExist take none",
            )
        )
    )

    key: LabelKey
    """The label's key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label is compared with the values."""
    values: Annotated[tuple[LabelText, ...], atomic(16)] = ()
    """Values for In and NotIn; empty for Exists and DoesNotExist."""


class LabelSelector(Model):
    """Selects by labels, as everywhere in Kubernetes. Empty: everything."""

    match_labels: Annotated[dict[str, LabelText], Field(max_length=16)] = {}
    """Labels that must be there with exactly these values."""
    match_expressions: Annotated[tuple[LabelSelectorRequirement, ...], atomic(16)] = ()
    """Conditions that must all hold."""


class Caller(Model):
    """Pods that may call the model."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "has(self.namespaceSelector) || has(self.podSelector)",
                "name a namespaceSelector, a podSelector or both; an empty selector {} means all of them",
            )
        )
    )

    namespace_selector: LabelSelector | None = None
    """Namespaces the callers live in. Absent: the BankModel's own namespace; empty: every namespace."""
    pod_selector: LabelSelector | None = None
    """Pods in those namespaces. Absent or empty: all of them."""
