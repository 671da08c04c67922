"""JSON schemas of one model's requests and answers, for its OpenAPI document. Pure.

What JSON schema can't say stands in descriptions: that the values of a tensor are as many as its shape says, and that
all inputs have the same number of rows.
"""

from typing import Any

import numpy as np

from bankmodel_serving.metrics import Identity
from bankmodel_serving.tensors import InputSpec, Kind, Schema, TensorSpec

__all__ = ["answer_schema", "metadata_schema", "request_schema"]

Json = dict[str, Any]

_MOST = 2**31
_NOTHING: Json = {"enum": [None, "", 0, False]}
_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": ["boolean", "null"]}
_PARAMETERS = "Other parameters are accepted and mean nothing to this server"


def request_schema(schema: Schema, max_rows: int) -> Json:
    """A request in JSON."""
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"], "maxLength": 256, "description": "Comes back; a new one if absent"},
            "parameters": _parameters(binary_data_output=_FLAG, sequence_id=_NOTHING, shared_memory_region=_NOTHING),
            "inputs": _inputs(schema, max_rows),
            "outputs": {
                "type": ["array", "null"],
                "description": "The outputs wanted, in this order and each once; all if absent",
                "items": _requested_output(schema),
            },
        },
    }


def answer_schema(schema: Schema, identity: Identity) -> Json:
    """An answer in JSON."""
    known = {"sha256": {"const": identity.sha256}, "revision": {"const": identity.revision}}
    properties: Json = {
        "model_name": {"const": identity.model},
        "model_version": {"const": identity.version},
        "id": _TEXT,
        "parameters": {
            "type": "object",
            "required": ["sha256", "revision"] if identity.revision else ["sha256"],
            "properties": {**known, "traceparent": _TEXT},
        },
        "outputs": {"type": "array", "minItems": 1, "items": {"anyOf": [_output(spec) for spec in schema.outputs]}},
    }
    if not identity.version:
        del properties["model_version"]
    return {"type": "object", "required": list(properties), "properties": properties}


def metadata_schema(schema: Schema, identity: Identity) -> Json:
    """The model's metadata, whose tensors are known."""
    properties = {
        "name": {"const": identity.model},
        "versions": {"const": [identity.version] if identity.version else []},
        "platform": _TEXT,
        "inputs": {"const": [_described(spec) for spec in schema.inputs]},
        "outputs": {"const": [_described(spec) for spec in schema.outputs]},
        "properties": {"type": "object", "additionalProperties": _TEXT},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _described(spec: TensorSpec) -> Json:
    return {"name": spec.name, "datatype": spec.kind.datatype, "shape": spec.wire_shape}


def _parameters(**known: Json) -> Json:
    return {"type": ["object", "null"], "description": _PARAMETERS, "properties": known}


def _inputs(schema: Schema, max_rows: int) -> Json:
    names = [spec.name for spec in schema.inputs]
    required = [spec.name for spec in schema.inputs if not spec.may_be_absent]
    other = {
        "title": "An input that the model does not know: counted, otherwise ignored",
        "type": "object",
        "required": ["name"],
        "properties": {"name": {**_TEXT, "not": {"enum": names}}},
    }
    return {
        "type": "array",
        "minItems": max(1, len(required)),
        "description": f"Each input once, all with the same number of rows. Required: {', '.join(required) or 'one'}",
        "items": {"anyOf": [*(_input(spec, max_rows) for spec in schema.inputs), other]},
    }


def _input(spec: InputSpec, max_rows: int) -> Json:
    missing = "null is a missing value" if spec.on_missing == "Impute" else "every value is required"
    return {
        "title": spec.name,
        "type": "object",
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"const": spec.name},
            "datatype": {"const": spec.kind.datatype},
            "shape": _shape(spec, max_rows),
            "data": {"description": f"As many values as shape says; {missing}", "anyOf": _data(spec)},
            "parameters": _parameters(shared_memory_region=_NOTHING, binary_data_size={"type": "null"}),
        },
    }


def _shape(spec: InputSpec, max_rows: int) -> Json:
    sizes = [
        {"type": "integer", "minimum": 0, "maximum": _MOST} if size is None else {"const": size} for size in spec.shape
    ]
    if spec.has_rows:
        sizes[0] = {"type": "integer", "minimum": 1, "maximum": max_rows}
    return {
        "type": "array",
        "minItems": len(sizes),
        "maxItems": len(sizes),
        **({"prefixItems": sizes} if sizes else {}),
    }


def _data(spec: InputSpec) -> list[Json]:
    """Flat, or nested as the shape says."""
    value = _value(spec.kind, takes_null=spec.on_missing == "Impute")
    flat: Json = {"type": "array", "items": value}
    nested = value
    for size in reversed(spec.shape):
        length = {} if size is None else {"minItems": size, "maxItems": size}
        nested = {"type": "array", "items": nested, **length}
    return [flat, nested] if len(spec.shape) > 1 else [flat]


def _value(kind: Kind, *, takes_null: bool) -> Json:
    name = {"float": "number", "integer": "integer", "bool": "boolean", "string": "string"}[kind.family]
    return {"type": [name, "null"] if takes_null else name, **_bounds(kind)}


def _bounds(kind: Kind) -> Json:
    if kind.family == "integer":
        whole = np.iinfo(kind.dtype)
        return {"minimum": int(whole.min), "maximum": int(whole.max)}
    if kind.family == "float" and kind.dtype.itemsize < 8:  # beyond FP64 there is no number in JSON
        most = np.finfo(kind.dtype).max
        beyond = float(most) + (float(most) - float(np.nextafter(most, 0))) / 2  # from here on it rounds to infinity
        return {"exclusiveMinimum": -beyond, "exclusiveMaximum": beyond}
    return {}


def _requested_output(schema: Schema) -> Json:
    known = {
        "binary_data": _FLAG,
        "classification": _NOTHING,
        "shared_memory_region": _NOTHING,
        "sequence_id": _NOTHING,
    }
    return {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": [spec.name for spec in schema.outputs]}, "parameters": _parameters(**known)},
    }


def _output(spec: TensorSpec) -> Json:
    value = _value(spec.kind, takes_null=spec.kind.family == "float")
    return {
        "title": spec.name,
        "type": "object",
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"const": spec.name},
            "datatype": {"const": spec.kind.datatype},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "data": {"type": "array", "items": value},
        },
    }
