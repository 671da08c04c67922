"""The CustomResourceDefinition, made from the models. Called by `bankmodel_operator.generate` and contract tests."""

from typing import Any, Final

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.structural import Schema, structural
from bankmodel_operator.api.v1alpha1 import (
    CATEGORY,
    GROUP,
    KIND,
    PLURAL,
    SHORT_NAME,
    VERSION,
    BankModelSpec,
    BankModelStatus,
)

__all__ = ["NAME", "custom_resource_definition"]

NAME: Final = f"{PLURAL}.{GROUP}"

_ROOT_RULES: Final = (
    Rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must be a DNS label: small letters, digits and '-', a letter first, such as mortgage-approval",
    ),
    Rule(
        "size(self.metadata.name) <= 48",
        "metadata.name must be at most 48 characters: names made from it get a revision appended",
    ),
)
_DESCRIPTION: Final = (
    "A BankModel turns an ONNX file into a scoring endpoint: deployed, replaced without a lost request, measured and "
    "recorded. The least it needs is an owner, a tier, and a model with version, sha256 and source."
)
_ALWAYS: Final = 0
_WIDE: Final = 1
_COLUMNS: Final = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', _ALWAYS),
    ("State", "string", ".status.rollout.state", _ALWAYS),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', _ALWAYS),
    ("Stable", "string", ".status.stable.version", _ALWAYS),
    ("Canary", "string", ".status.canary.version", _ALWAYS),
    ("Weight", "integer", ".status.rollout.weight", _ALWAYS),
    ("Replicas", "integer", ".status.replicas", _ALWAYS),
    ("Age", "date", ".metadata.creationTimestamp", _ALWAYS),
    ("Target", "string", ".status.rollout.target.version", _WIDE),
    ("Requests", "integer", ".status.canary.requests", _WIDE),
    ("Needed", "integer", ".status.canary.needed", _WIDE),
    ("Owner", "string", ".spec.owner", _WIDE),
    ("Tier", "string", ".spec.tier", _WIDE),
    ("Digest", "string", ".status.stable.sha256", _WIDE),
    ("URL", "string", ".status.url", _WIDE),
    ("Message", "string", '.status.conditions[?(@.type=="Ready")].message', _WIDE),
)


def custom_resource_definition() -> dict[str, Any]:
    """Return the whole CustomResourceDefinition as a plain object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME, "labels": {"app.kubernetes.io/part-of": "bankmodel"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": [SHORT_NAME],
                "categories": [CATEGORY],
            },
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(*column) for column in _COLUMNS],
        "selectableFields": [{"jsonPath": ".spec.owner"}, {"jsonPath": ".spec.tier"}],
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.serving.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "schema": {"openAPIV3Schema": _schema()},
    }


def _column(name: str, kind: str, path: str, priority: int) -> dict[str, Any]:
    column = {"name": name, "type": kind, "jsonPath": path}
    return column if priority == _ALWAYS else {**column, "priority": priority}


def _schema() -> Schema:
    return {
        "type": "object",
        "description": _DESCRIPTION,
        "required": ["metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": KIND},
            "metadata": {"type": "object"},
            "spec": structural(BankModelSpec.model_json_schema()),
            "status": _status(),
        },
        **validations(*_ROOT_RULES),
    }


def _status() -> Schema:
    schema = structural(BankModelStatus.model_json_schema())
    # kstatus, by which Flux and others wait, takes an absent status for a settled one
    return {**_without_defaults(schema), "default": {"observedGeneration": -1}}


def _without_defaults(schema: Schema) -> Schema:
    """The operator writes status whole; a default there would put words into its mouth."""
    schema.pop("default", None)
    for child in (*schema.get("properties", {}).values(), schema.get("items")):
        if child is not None:
            _without_defaults(child)
    return schema
