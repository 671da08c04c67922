"""What the operator must know of a revision before it gets requests: `/model` on the metrics port. Pure; made once at start."""

from typing import Any

from bankmodel_serving.card import Card
from bankmodel_serving.metrics import Identity
from bankmodel_serving.observation import ScoreTally
from bankmodel_serving.tensors import Schema

__all__ = ["Description", "describe"]

Description = dict[str, Any]


def describe(identity: Identity, schema: Schema, card: Card | None, score: ScoreTally | None) -> Description:
    """Inputs, outputs, which of them is the score, and what there is to compare with. `required`: refused without it."""
    cutoff = card.score.cutoff if card and card.score else None
    return {
        "model": identity.model,
        "revision": identity.revision,
        "sha256": identity.sha256,
        "version": identity.version,
        "inputs": [
            {
                "name": spec.name,
                "datatype": spec.kind.datatype,
                "shape": spec.wire_shape,
                "required": not spec.may_be_absent,
            }
            for spec in schema.inputs
        ],
        "outputs": [
            {"name": spec.name, "datatype": spec.kind.datatype, "shape": spec.wire_shape} for spec in schema.outputs
        ],
        "score": None if score is None else {"output": score.name, "cutoff": cutoff},
        "has_card": card is not None,
        "has_baseline": bool(card and card.score and card.score.baseline),
    }
