"""A ModelInferRequest to the arrays that the model takes, by the same checks as a JSON body. Pure; called by the service."""

from math import prod
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from bankmodel_serving.codec.binary import raw_to_array, settle_floats
from bankmodel_serving.codec.decode import DecodeLimits, Inference, decode_document
from bankmodel_serving.codec.values import refuse_long_strings
from bankmodel_serving.errors import BadRequest
from bankmodel_serving.grpc_port.messages import message
from bankmodel_serving.tensors import Array, InputSpec, Schema

__all__ = ["TYPED_FIELDS", "parse", "read_request", "uses_raw"]

TYPED_FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where typed contents have the values of a datatype. FP16 has no such place."""
_MOST_TENSORS = 10_000
_SIZE = "binary_data_size"
_WIRE_DTYPES = {"int_contents": np.int32, "uint_contents": np.uint32}


def parse(name: str, body: bytes) -> Any:
    """`body` as the message of that name."""
    try:
        return message(name).FromString(body)
    except DecodeError as error:
        raise BadRequest(f"the request is no {name} of the Open Inference Protocol: {error}") from error


def uses_raw(request: Any) -> bool:
    """Whether the tensors came as raw contents, and the answer has to go so."""
    return len(request.raw_input_contents) > 0


def read_request(schema: Schema, request: Any, limits: DecodeLimits) -> Inference:
    """The request, checked against the model; raises BadRequest naming field, expectation and what came."""
    _check_counts(request)
    raw = request.raw_input_contents
    if raw:
        _check_raw(request)
    contents = raw or [tensor.contents for tensor in request.inputs]
    document = {
        "id": request.id,
        "parameters": _parameters(request),
        "inputs": [_tensor(tensor, data) for tensor, data in zip(request.inputs, contents, strict=True)],
        "outputs": [{"name": wanted.name, "parameters": _parameters(wanted)} for wanted in request.outputs],
    }
    found = decode_document(schema, document, limits, read=_read_raw if raw else _read_typed)
    if request.ByteSize() > limits.max_string:  # a shorter one holds no longer string
        refuse_long_strings(schema.inputs, found.columns, limits.max_string)
    return found


def _check_counts(request: Any) -> None:
    """An empty tensor takes two bytes: two million of them fit into a message, and each would be looked at."""
    for name in ("inputs", "outputs"):
        if len(getattr(request, name)) > _MOST_TENSORS:
            raise BadRequest(f"{name} may be {_MOST_TENSORS} at most, got {len(getattr(request, name))}")


def _check_raw(request: Any) -> None:
    if len(request.raw_input_contents) != len(request.inputs):
        raise BadRequest(
            f"raw_input_contents must have one entry for each of the {len(request.inputs)} inputs, "
            f"got {len(request.raw_input_contents)}"
        )
    for tensor in request.inputs:
        if tensor.HasField("contents"):
            raise BadRequest(f"input {tensor.name[:60]}: contents and raw_input_contents exclude each other; send one")
    for tensor, content in zip(request.inputs, request.raw_input_contents, strict=True):
        _check_size(tensor, content)


def _check_size(tensor: Any, content: bytes) -> None:
    """REST's word for the size, which kserve's client leaves in raw tensors: harmless where it is true."""
    if _SIZE in tensor.parameters and (told := _value(tensor.parameters[_SIZE])) != len(content):
        raise BadRequest(
            f"input {tensor.name[:60]}: {_SIZE} is {told!r:.60}, its raw contents have {len(content)} bytes"
        )


def _tensor(tensor: Any, data: Any) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": list(tensor.shape),
        "parameters": _parameters(tensor, but=_SIZE if isinstance(data, bytes) else ""),
        "data": data,
    }


def _parameters(holder: Any, but: str = "") -> dict[str, Any] | None:
    if not holder.parameters:
        return None
    return {key: _value(parameter) for key, parameter in holder.parameters.items() if key != but}


def _value(parameter: Any) -> Any:
    chosen = parameter.WhichOneof("parameter_choice")
    return None if chosen is None else getattr(parameter, chosen)


def _read_raw(spec: InputSpec, shape: tuple[int, ...], content: bytes) -> Array:
    return raw_to_array(spec, shape, memoryview(content))


def _read_typed(spec: InputSpec, shape: tuple[int, ...], contents: Any) -> Array:
    field = TYPED_FIELDS.get(spec.kind.datatype)
    if field is None:
        raise BadRequest(
            f"input {spec.name}: {spec.kind.datatype} has no typed contents; send every input in raw_input_contents"
        )
    for found, _ in contents.ListFields():
        if found.name != field:
            raise BadRequest(f"input {spec.name}: {spec.kind.datatype} belongs into contents.{field}, got {found.name}")
    values = getattr(contents, field)
    if len(values) != prod(shape):
        raise BadRequest(
            f"input {spec.name}: shape {list(shape)} needs {prod(shape)} values in contents.{field}, got {len(values)}"
        )
    array = _texts(spec, values) if spec.kind.family == "string" else _numbers(spec, field, values)
    return array.reshape(shape)


def _texts(spec: InputSpec, values: Any) -> Array:
    array = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        try:
            array[index] = value.decode()
        except UnicodeDecodeError as error:
            raise BadRequest(f"input {spec.name}: value {index} is not UTF-8: {error.reason}") from error
    return array


def _numbers(spec: InputSpec, field: str, values: Any) -> Array:
    array = np.fromiter(values, _WIRE_DTYPES.get(field, spec.kind.dtype), len(values))
    if spec.kind.family == "float":
        settle_floats(spec, array)
    return array if array.dtype == spec.kind.dtype else _narrowed(spec, array)


def _narrowed(spec: InputSpec, array: Array) -> Array:
    """INT8 travels as int32, and so on: what does not fit is refused."""
    limits = np.iinfo(spec.kind.dtype)
    beyond = (array < limits.min) | (array > limits.max)
    if beyond.any():
        where = int(beyond.argmax())
        raise BadRequest(
            f"input {spec.name}: value {where} is {array[where]}, outside of {spec.kind.datatype} "
            f"({limits.min} to {limits.max})"
        )
    return array.astype(spec.kind.dtype)
