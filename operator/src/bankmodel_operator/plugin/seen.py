"""A BankModel as the plugin read it: parsed once, by the same models the operator has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bankmodel_operator.api.v1alpha1 import BankModel, BankModelSpec, BankModelStatus, Condition
from bankmodel_operator.core import names
from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.states import Baking, Climbing, Preparing, Revision, State
from bankmodel_operator.plugin.errors import Unreadable

__all__ = ["Seen", "seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """The parts of it that the commands look at."""

    name: str
    namespace: str
    generation: int
    annotations: Mapping[str, str]
    spec: BankModelSpec
    status: BankModelStatus
    state: State

    def condition(self, kind: str) -> Condition | None:
        return next((each for each in self.status.conditions if each.type == kind), None)

    @property
    def is_current(self) -> bool:
        """Whether the operator has looked at the spec as it is now."""
        return self.status.observed_generation >= self.generation

    @property
    def on_trial(self) -> Revision | None:
        """Whom an order to promote or to abort is about: the canary, or in bake the new stable."""
        match self.state:
            case Preparing() | Climbing():
                return self.state.canary
            case Baking():
                return self.state.stable
            case _:
                return None

    @property
    def pauses(self) -> tuple[str, ...]:
        """Everything that keeps the weight from rising, in words."""
        reason = self.annotations.get(names.ANNOTATION_PAUSED, "").strip()
        return (
            *([f"paused by annotation: {reason}"] if reason else []),
            *(["paused: spec.rollout.paused is true"] if self.spec.rollout.paused else []),
            *(["suspended: spec.suspend is true"] if self.spec.suspend else []),
        )


def seen(manifest: Mapping[str, Any]) -> Seen:
    """Read it. A state that this version does not know is kept as `NotUnderstood`."""
    try:
        model = BankModel.model_validate(manifest)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unreadable(
            f"{where} of this BankModel cannot be read: {first['msg']}. It may have been written by a newer operator: "
            "install the bankmodel package of that version"
        ) from problem
    metadata = model.metadata
    return Seen(
        metadata.name,
        metadata.namespace,
        metadata.generation,
        annotations=metadata.annotations,
        spec=model.spec,
        status=model.status,
        state=decode(manifest.get("status") or {}),
    )
