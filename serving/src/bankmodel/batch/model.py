"""The model of a batch run, checked as a pod checks it: digest, card, golden vectors, and how many rows it may see at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankmodel.errors import GoldenError, UsageError
from bankmodel_serving.card import Card, Score
from bankmodel_serving.codec import DecodeLimits, Decoder
from bankmodel_serving.digest import sha256_of
from bankmodel_serving.engine import probe_rows
from bankmodel_serving.errors import InferenceFailed, StartError
from bankmodel_serving.golden import golden_columns
from bankmodel_serving.invariance import holds_in_batches_of
from bankmodel_serving.loading import Loaded, load
from bankmodel_serving.tensors import Array, Schema

__all__ = ["CheckedModel", "load_model"]

_LIMITS = DecodeLimits(max_rows=10**9)  # limits are for callers of a pod
_POD_ROWS = 64  # up to which the start-up check of every pod has looked


@dataclass(frozen=True)
class CheckedModel:
    """What is known about it. `output_rows`: the shape of one row of each output."""

    name: str | None
    version: str | None
    sha256: str
    schema: Schema
    score: Score | None
    output_rows: tuple[tuple[int, ...], ...]
    rows_per_run: int


def load_model(path: Path, sha256: str | None, batch_rows: int) -> CheckedModel:
    """Raises UsageError where it is not the file asked for or can't be served, GoldenError where it answers otherwise."""
    try:
        digest = sha256 or sha256_of(str(path))
        loaded = load(str(path), digest, _LIMITS)
    except StartError as error:
        raise UsageError(str(error)) from error
    if loaded.golden_problem is not None:
        raise GoldenError(loaded.golden_problem)
    card = loaded.card
    origin: dict[str, Any] = dict(card.provenance) if card else {}
    return CheckedModel(
        name=origin.get("name"),
        version=origin.get("version"),
        sha256=digest,
        schema=loaded.schema,
        score=card.score if card else None,
        output_rows=_output_rows(loaded),
        rows_per_run=_rows_per_run(loaded, batch_rows),
    )


def _rows_per_run(loaded: Loaded, batch_rows: int) -> int:
    """A batch, if that changes no row's answer; else as many as a pod would score together; else one."""
    if not loaded.coalesces:
        return 1
    golden = _golden(loaded.card, loaded.schema)
    run = loaded.engine.run
    sizes = {batch_rows, max(1, batch_rows - 1), batch_rows // 2 + 1}
    if all(holds_in_batches_of(rows, loaded.schema, run, golden) for rows in sorted(sizes)):
        return batch_rows
    return min(batch_rows, _POD_ROWS)


def _golden(card: Card | None, schema: Schema) -> tuple[Array, ...] | None:
    return golden_columns(card.golden, schema, Decoder(schema, _LIMITS)) if card and card.golden else None


def _output_rows(loaded: Loaded) -> tuple[tuple[int, ...], ...]:
    """Declared, or seen by running where the exporter left them open."""
    declared = [spec.row_shape for spec in loaded.schema.outputs]
    known = [shape for shape in declared if shape is not None]
    if len(known) == len(declared) or not loaded.schema.has_rows:
        return tuple(known)
    try:
        found = loaded.engine.run(probe_rows(loaded.schema.inputs, 1))
    except InferenceFailed as error:
        raise UsageError(f"an output's width is not declared, and a row of zeros does not tell it: {error}") from error
    return tuple(array.shape[1:] for array in found)
