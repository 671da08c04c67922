"""Whose child an object is: the metadata every child shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core import names


@dataclass(frozen=True, slots=True)
class Parent:
    """The part of a BankModel that its children carry in their metadata."""

    name: str
    namespace: str
    uid: str
    owner: str
    tier: str
    purpose: str

    @classmethod
    def of(cls, model: BankModel) -> Self:
        metadata, spec = model.metadata, model.spec
        return cls(metadata.name, metadata.namespace, metadata.uid, spec.owner, spec.tier, spec.purpose)

    def metadata(
        self,
        name: str,
        *,
        revision: str = "",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Metadata of a child; with `revision` that of a child of one revision."""
        own = {names.LABEL_REVISION: revision} if revision else {}
        purpose = {names.ANNOTATION_PURPOSE: self.purpose} if self.purpose else {}
        found = {
            "name": name,
            "namespace": self.namespace,
            "labels": {**(labels or {}), **names.child_labels(self.name, self.owner, self.tier), **own},
            "ownerReferences": [self._reference()],
        }
        notes = {**purpose, **(annotations or {})}
        return {**found, "annotations": notes} if notes else found

    def _reference(self) -> dict[str, Any]:
        return {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
