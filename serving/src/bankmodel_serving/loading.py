"""From settings to a model that can be served: digest, load, card, golden vectors, batch-invariance. Start-up only."""

import logging
from dataclasses import dataclass

from bankmodel_serving import card as cards
from bankmodel_serving.codec import DecodeLimits, Decoder
from bankmodel_serving.digest import check_digest
from bankmodel_serving.engine import Engine
from bankmodel_serving.golden import golden_columns, golden_mismatch
from bankmodel_serving.invariance import is_batch_invariant
from bankmodel_serving.tensors import Schema, schema_of

__all__ = ["Loaded", "load"]

_LOG = logging.getLogger(__name__)
# The card is part of the approved file; limits are for callers.
_GOLDEN_LIMITS = DecodeLimits(max_rows=10**9, max_string=10**9)


@dataclass(frozen=True)
class Loaded:
    """A checked model. `golden_problem` says why it must not answer, if it must not."""

    engine: Engine
    card: cards.Card | None
    schema: Schema
    decoder: Decoder
    coalesces: bool
    golden_problem: str | None


def load(path: str, sha256: str, limits: DecodeLimits) -> Loaded:
    """Check the digest, then load and try the model; raises StartError where it can't be served at all."""
    check_digest(path, sha256)
    engine = Engine.load(path)
    text = engine.metadata.get(cards.KEY)
    card = None if text is None else cards.read(text)
    schema = schema_of(engine.inputs, engine.outputs, card)
    decoder = Decoder(schema, limits)
    golden = card.golden if card else None
    own = Decoder(schema, _GOLDEN_LIMITS)
    problem = golden_mismatch(golden, schema, own, engine.run) if golden else None
    known = golden_columns(golden, schema, own) if golden and problem is None else None
    coalesces = is_batch_invariant(schema, engine.run, known)
    _LOG.info(
        "model loaded",
        extra={"path": path, "card": card is not None, "golden": bool(golden), "batch_invariant": coalesces},
    )
    return Loaded(engine, card, schema, decoder, coalesces, problem)
