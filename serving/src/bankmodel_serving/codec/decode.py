"""A request body to named arrays that the model takes: the general path, for every shape and datatype. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from bankmodel_serving.codec.binary import cut_tail, raw_to_array
from bankmodel_serving.codec.form import AnswerForm
from bankmodel_serving.codec.values import to_array
from bankmodel_serving.errors import BadRequest
from bankmodel_serving.grouping import Content, Packed
from bankmodel_serving.tensors import Array, InputSpec, Schema

__all__ = ["DecodeLimits", "Inference", "decode_document", "parse_json"]

_MAX_ID = 256
ReadData = Callable[[InputSpec, tuple[int, ...], Any], Array]
# What would change the answer, and can't be done here. Other parameters mean nothing to this server and are let pass.
_REFUSED_PARAMETERS = {
    "shared_memory_region": "send and read tensors in the body",
    "classification": "ask for the scores and rank them",
    "sequence_id": "a request is scored by itself",
}


@dataclass(frozen=True)
class DecodeLimits:
    """Bounds on one body. `max_depth` counts lists and objects inside each other, `max_string` characters of a value."""

    max_rows: int = 10_000
    max_depth: int = 16
    max_string: int = 16_384


@dataclass(slots=True)
class Inference:
    """One decoded request. `selection` indexes the outputs asked for.

    `form` is None for an answer that is plain JSON, as most are.
    Not frozen: a frozen dataclass costs 1 µs more to make, and one is made per request.
    """

    id: str | None
    content: Content
    rows: int
    selection: tuple[int, ...] | None = None
    absent: tuple[str, ...] = ()
    undeclared: int = 0
    form: AnswerForm | None = None

    @property
    def columns(self) -> Sequence[Array]:
        """The inputs as one array each, in the model's order."""
        return self.content.columns() if isinstance(self.content, Packed) else self.content


def parse_json(body: bytes) -> dict[str, Any]:
    """The body as a JSON object. `NaN` and `Infinity` are no JSON; invalid UTF-8 and lone surrogates are refused too."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}; a missing value is null, not NaN") from error
    if type(document) is not dict:
        raise BadRequest("the body must be a JSON object with a list named inputs")
    return document


def read_json(spec: InputSpec, shape: tuple[int, ...], data: Any) -> Array:
    """A tensor's `data` as JSON has it."""
    if type(data) is not list:
        raise BadRequest(f"input {spec.name}: data must be a list")
    return to_array(spec, shape, data)


def decode_document(
    schema: Schema,
    document: dict[str, Any],
    limits: DecodeLimits,
    *,
    tail: memoryview | None = None,
    read: ReadData = read_json,
) -> Inference:
    """Check a parsed request against the model and turn it into arrays; any complaint names field, expected and got.

    `tail` is what came behind the JSON, if it was said where that ends. `read` makes an array of a tensor's `data`.
    """
    if _is_deeper(document, limits.max_depth):
        raise BadRequest(f"the body is nested deeper than {limits.max_depth} levels")
    _refuse_unsupported(document.get("parameters"), "parameters")
    sent, undeclared = _declared(schema, document)
    raw = cut_tail(document["inputs"], tail)
    arrays = {
        spec.name: _read_input(spec, sent[spec.name], raw.get(spec.name), read)
        for spec in schema.inputs
        if spec.name in sent
    }
    rows = _row_count(schema, arrays, limits)
    absent = tuple(spec.name for spec in schema.inputs if spec.name not in arrays)
    for spec in schema.inputs:
        if spec.name not in arrays:
            arrays[spec.name] = _impute(spec, rows)
    columns = tuple(arrays[spec.name] for spec in schema.inputs)
    selection = _selection(schema, document)
    form = _form(schema, document, selection)
    return Inference(_read_id(document), columns, rows, selection, absent, undeclared, form)


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [child for item in layer for child in _containers(item)]
        if not layer:
            return False
    return True


def _containers(item: Any) -> list[Any]:
    children = item.values() if type(item) is dict else item
    # A list of numbers is the rule, and looking at its first item is enough to skip it: mixed lists are refused later.
    if type(item) is list and item and type(item[0]) is not list and type(item[0]) is not dict:
        return []
    return [child for child in children if type(child) is list or type(child) is dict]


def _read_id(document: dict[str, Any]) -> str | None:
    found = document.get("id")
    if found is None or found == "":
        return None
    if type(found) is not str or len(found) > _MAX_ID:
        raise BadRequest(f"id must be a string of at most {_MAX_ID} characters")
    return found


def _declared(schema: Schema, document: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], int]:
    inputs = document.get("inputs")
    if type(inputs) is not list or not inputs:
        raise BadRequest("inputs must be a list of at least one tensor {name, shape, datatype, data}")
    names = frozenset(spec.name for spec in schema.inputs)
    sent: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for index, tensor in enumerate(inputs):
        name = _name_of(tensor, f"inputs[{index}]")
        if name in seen:
            raise BadRequest(f"input {name[:60]} is there twice; send each input once")
        seen.add(name)
        if name in names:
            sent[name] = tensor
    if not sent:
        raise BadRequest(f"none of the inputs sent is one of this model's: {_listed(schema.inputs)}")
    return sent, len(seen) - len(sent)


def _name_of(tensor: Any, where: str) -> str:
    name = tensor.get("name") if type(tensor) is dict else None
    if type(name) is not str:
        raise BadRequest(f"{where} must be an object with a name")
    return name


def _listed(specs: tuple[InputSpec, ...]) -> str:
    return ", ".join(spec.name for spec in specs[:20]) + (", …" if len(specs) > 20 else "")


def _read_input(spec: InputSpec, tensor: dict[str, Any], raw: memoryview | None, read: ReadData) -> Array:
    _refuse_unsupported(tensor.get("parameters"), f"input {spec.name}: parameters")
    if tensor.get("datatype") != spec.kind.datatype:
        got = str(tensor.get("datatype"))[:60]
        raise BadRequest(f"input {spec.name}: datatype must be {spec.kind.datatype}, got {got}")
    shape = _read_shape(spec, tensor.get("shape"))
    if raw is not None:
        return raw_to_array(spec, shape, raw)
    return read(spec, shape, tensor.get("data"))


def _read_shape(spec: InputSpec, shape: Any) -> tuple[int, ...]:
    if type(shape) is not list or not all(type(size) is int and 0 <= size <= 2**31 for size in shape):
        raise BadRequest(f"input {spec.name}: shape must be a list of whole numbers of 0 or more")
    fits = len(shape) == len(spec.shape) and all(
        want in (None, got) for want, got in zip(spec.shape, shape, strict=True)
    )
    if not fits:
        raise BadRequest(f"input {spec.name}: shape must be {spec.wire_shape} (-1: any size), got {shape[:16]}")
    return tuple(shape)


def _row_count(schema: Schema, arrays: Mapping[str, Array], limits: DecodeLimits) -> int:
    counts = {spec.name: len(arrays[spec.name]) for spec in schema.inputs if spec.has_rows and spec.name in arrays}
    if not counts:
        return 1
    (first, rows) = next(iter(counts.items()))
    other = next((name for name, count in counts.items() if count != rows), None)
    if other is not None and schema.has_rows:
        raise BadRequest(f"input {other} has {counts[other]} rows, input {first} has {rows}; all must have the same")
    if not 0 < rows <= limits.max_rows:
        raise BadRequest(f"a request must have 1 to {limits.max_rows} rows, got {rows}")
    return rows


def _impute(spec: InputSpec, rows: int) -> Array:
    if not spec.may_be_absent:
        raise BadRequest(f"input {spec.name} is missing ({spec.kind.datatype}, shape {spec.wire_shape})")
    row = spec.row_shape
    if row is None:
        raise BadRequest(
            f"input {spec.name} is missing, and its shape {spec.wire_shape} does not tell how to fill it in"
        )
    return np.full((rows, *row), spec.fill, dtype=spec.kind.dtype)


def _selection(schema: Schema, document: dict[str, Any]) -> tuple[int, ...] | None:
    wanted = document.get("outputs")
    if wanted is None or wanted == []:
        return None
    if type(wanted) is not list:
        raise BadRequest("outputs must be a list of {name}")
    positions = {spec.name: index for index, spec in enumerate(schema.outputs)}
    chosen = tuple(_output_index(positions, item, index) for index, item in enumerate(wanted))
    if len(set(chosen)) != len(chosen):
        raise BadRequest("outputs names an output twice; ask for each once")
    return chosen


def _output_index(positions: Mapping[str, int], item: Any, index: int) -> int:
    name = _name_of(item, f"outputs[{index}]")
    _refuse_unsupported(item.get("parameters"), f"output {name[:60]}: parameters")
    if name not in positions:
        raise BadRequest(f"outputs[{index}]: this model has no output {name[:60]}; it has {', '.join(positions)}")
    return positions[name]


def _form(schema: Schema, document: dict[str, Any], selection: tuple[int, ...] | None) -> AnswerForm | None:
    """Which outputs are to be binary: those that say so, and where they say nothing, those of a request that does."""
    default = _flag(document.get("parameters"), "binary_data_output", "parameters")
    if selection is None:
        return AnswerForm(frozenset(range(len(schema.outputs)))) if default else None
    wanted = zip(selection, document["outputs"], strict=True)
    binary = frozenset(
        index
        for index, item in wanted
        if _flag(item.get("parameters"), "binary_data", f"output {item['name'][:60]}: parameters", default)
    )
    return AnswerForm(binary) if binary else None


def _flag(parameters: dict[str, Any] | None, key: str, where: str, default: bool = False) -> bool:
    found = (parameters or {}).get(key)
    if found is None:
        return default
    if type(found) is not bool:
        raise BadRequest(f"{where}.{key} must be true or false, got {str(found)[:40]}")
    return found


def _refuse_unsupported(parameters: Any, where: str) -> None:
    if parameters is None:
        return
    if type(parameters) is not dict:
        raise BadRequest(f"{where} must be an object")
    for key, remedy in _REFUSED_PARAMETERS.items():
        if parameters.get(key):
            raise BadRequest(f"{where}.{key} is not supported by this server; {remedy}")
