"""Which columns of the file feed which inputs of the model; refused as a whole where that can't be told. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from bankmodel.batch.kinds import feeds
from bankmodel.errors import UsageError
from bankmodel_serving.tensors import InputSpec, Schema

__all__ = ["Feed", "match_columns"]

_SHOWN = 20


@dataclass(frozen=True)
class Feed:
    """Where one input's values come from: one column, as many as the matrix is wide, or none (the card fills it in)."""

    spec: InputSpec
    columns: tuple[str, ...]


def match_columns(
    schema: Schema, table: pa.Schema, *, order: Sequence[str] = (), kept: Sequence[str] = (), words: bool = False
) -> tuple[Feed, ...]:
    """A feed per input. `order`: the columns of a matrix; `words`: every column is text that may stand for a number."""
    _refuse_unfit(schema)
    _refuse_twins(table)
    (only,) = schema.inputs if len(schema.inputs) == 1 else (None,)
    if only is not None and _width(only) > 1:
        names = tuple(order) or _numeric(only, table, kept, words)
        feeds: tuple[Feed, ...] = (Feed(only, _checked(only, names, table)),)
    elif order:
        raise UsageError(
            "--columns is for models with one matrix as input; this model's inputs have names of their own"
        )
    else:
        feeds = tuple(_named(spec, table) for spec in schema.inputs)
    for feed in feeds:
        for name in feed.columns:
            _refuse_other_type(feed.spec, name, table.field(name).type, words)
    if not any(feed.columns for feed in feeds):
        raise UsageError(f"the file has none of this model's inputs: {_listed([spec.name for spec in schema.inputs])}")
    return feeds


def _refuse_unfit(schema: Schema) -> None:
    fixed = next((spec for spec in (*schema.inputs, *schema.outputs) if not spec.has_rows), None)
    if fixed is not None:
        raise UsageError(
            f"{fixed.name} has shape {fixed.wire_shape}, which counts no rows; a file of rows can't be scored with it: "
            "export the model with an open first dimension"
        )
    odd = next((spec for spec in schema.inputs if spec.row_shape is None or len(spec.row_shape) > 1), None)
    wide = next((spec for spec in schema.inputs if len(schema.inputs) > 1 and odd is None and _width(spec) != 1), None)
    if (unfit := odd or wide) is not None:
        raise UsageError(
            f"input {unfit.name} has shape {unfit.wire_shape}; columns can feed inputs of one value a row, or one matrix"
        )


def _width(spec: InputSpec) -> int:
    return spec.row_shape[0] if spec.row_shape else 1


def _refuse_twins(table: pa.Schema) -> None:
    twice = sorted({name for name in table.names if table.names.count(name) > 1})
    if twice:
        raise UsageError(f"the file has columns of the same name: {_listed(twice)}; rename or drop one of each")


def _named(spec: InputSpec, table: pa.Schema) -> Feed:
    if spec.name in table.names:
        return Feed(spec, (spec.name,))
    if not spec.may_be_absent:
        raise UsageError(
            f"the file has no column {spec.name} ({spec.kind.datatype}), which this model requires; "
            f"it has {_listed(table.names)}"
        )
    return Feed(spec, ())


def _numeric(spec: InputSpec, table: pa.Schema, kept: Sequence[str], words: bool) -> tuple[str, ...]:
    """The numeric columns in the file's order, without those that are kept by name."""
    return tuple(
        field.name for field in table if field.name not in kept and (words or feeds(spec.kind.family, field.type))
    )


def _checked(spec: InputSpec, names: tuple[str, ...], table: pa.Schema) -> tuple[str, ...]:
    unknown = [name for name in names if name not in table.names]
    if unknown:
        raise UsageError(f"--columns names {_listed(unknown)}, which the file does not have: {_listed(table.names)}")
    if len(names) != _width(spec):
        raise UsageError(
            f"input {spec.name} takes {_width(spec)} columns, the file gives {len(names)} ({_listed(names)}); "
            "name them in the model's order: --columns first,second,…"
        )
    return names


def _refuse_other_type(spec: InputSpec, name: str, found: pa.DataType, words: bool) -> None:
    if words or feeds(spec.kind.family, found):
        return
    wanted = {"float": "numbers", "integer": "whole numbers", "bool": "booleans", "string": "text"}[spec.kind.family]
    raise UsageError(
        f"column {name} is {found}, input {spec.name} takes {wanted} ({spec.kind.datatype}); cast the column"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
