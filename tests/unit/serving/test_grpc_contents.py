"""Tensors over gRPC and as JSON are the same arrays and the same answers, for every datatype, raw and typed."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings, strategies as st

from bankmodel_serving.card import Card, Feature
from bankmodel_serving.codec import DecodeLimits, Decoder, Encoder
from bankmodel_serving.codec.binary import raw_from_array
from bankmodel_serving.errors import BadRequest
from bankmodel_serving.grpc_port.messages import message
from bankmodel_serving.grpc_port.reading import TYPED_FIELDS, read_request
from bankmodel_serving.grpc_port.writing import Asked, ResponseWriter
from bankmodel_serving.tensors import KINDS, Array, Kind, Schema, TensorSpec, schema_of

LIMITS = DecodeLimits()
KIND = {kind.datatype: kind for kind in KINDS}
_TYPED = [kind for kind in KINDS if kind.datatype in TYPED_FIELDS]


def _values(kind: Kind) -> st.SearchStrategy[Any]:
    match kind.family:
        case "bool":
            return st.booleans()
        case "integer":
            limits = np.iinfo(kind.dtype)
            return st.integers(int(limits.min), int(limits.max))
        case "float":
            width: Any = kind.dtype.itemsize * 8
            return st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=width))
        case _:
            return st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


def _column(kind: Kind) -> st.SearchStrategy[tuple[Kind, list[Any]]]:
    return st.tuples(st.just(kind), st.lists(_values(kind), min_size=1, max_size=6))


def _schema(kind: Kind) -> Schema:
    shape = (None, 1)
    return schema_of([TensorSpec("x", kind, shape)], [TensorSpec("y", kind, shape)], None)


def _json(kind: Kind, values: list[Any]) -> Array:
    tensor = {"name": "x", "datatype": kind.datatype, "shape": [len(values), 1], "data": values}
    return Decoder(_schema(kind), LIMITS).decode(orjson.dumps({"inputs": [tensor]})).columns[0]


def _grpc(kind: Kind, rows: int, **where: Any) -> Array:
    tensor = {"name": "x", "datatype": kind.datatype, "shape": [rows, 1], "contents": where.pop("contents", None)}
    request = message("ModelInferRequest")(inputs=[tensor], **where)
    return read_request(_schema(kind), request, LIMITS).columns[0]


def _sent(values: list[Any]) -> list[Any]:
    """As gRPC has them: NaN for a missing number, text in UTF-8."""
    as_nan = [float("nan") if value is None else value for value in values]
    return [value.encode() if isinstance(value, str) else value for value in as_nan]


@given(st.sampled_from(_TYPED).flatmap(_column))
@settings(max_examples=60)
def test_typed_contents_are_the_same_array_as_json(column: tuple[Kind, list[Any]]) -> None:
    kind, values = column
    found = _grpc(kind, len(values), contents={TYPED_FIELDS[kind.datatype]: _sent(values)})

    _assert_same(_json(kind, values), found)


@given(st.sampled_from(KINDS).flatmap(_column))
@settings(max_examples=60)
def test_raw_contents_are_the_same_array_as_json(column: tuple[Kind, list[Any]]) -> None:
    kind, values = column
    expected = _json(kind, values)
    found = _grpc(kind, len(values), raw_input_contents=[raw_from_array(expected)])

    _assert_same(expected, found)


@given(st.sampled_from(KINDS).flatmap(_column), st.booleans())
@settings(max_examples=60)
def test_an_answer_has_the_same_values_as_one_in_json(column: tuple[Kind, list[Any]], is_raw: bool) -> None:
    kind, values = column
    array, outputs = _json(kind, values), _schema(kind).outputs
    over_rest = orjson.loads(Encoder(outputs, name="m", version="1").encode("id", [array], None))["outputs"][0]
    written = ResponseWriter(outputs, name="m", version="1", parameters={}).write(Asked("id", is_raw), [array], None)
    answer = message("ModelInferResponse").FromString(written)

    assert over_rest["shape"] == list(answer.outputs[0].shape)
    _assert_same(_json(kind, over_rest["data"]), _array_of(kind, answer))


def _array_of(kind: Kind, answer: Any) -> Array:
    rows = answer.outputs[0].shape[0]
    if answer.raw_output_contents:
        return _grpc(kind, rows, raw_input_contents=list(answer.raw_output_contents))
    return _grpc(kind, rows, contents=answer.outputs[0].contents)


def _assert_same(expected: Array, found: Array) -> None:
    assert (expected.dtype, expected.shape) == (found.dtype, found.shape)
    # Bytes, not ==: NaN must equal NaN, and 0.0 must not equal -0.0.
    assert (expected.tolist() if expected.dtype == object else expected.tobytes()) == (
        found.tolist() if found.dtype == object else found.tobytes()
    )


def test_nan_is_refused_where_the_card_requires_every_value() -> None:
    feature = Feature(name="x", datatype="FP32", on_missing="Reject")
    schema = schema_of([TensorSpec("x", KIND["FP32"], (None,))], [], Card(features=(feature,)))
    tensor = {"name": "x", "datatype": "FP32", "shape": [2], "contents": {"fp32_contents": [1.0, float("nan")]}}
    with pytest.raises(BadRequest) as caught:
        read_request(schema, message("ModelInferRequest")(inputs=[tensor]), LIMITS)

    assert str(caught.value).startswith("input x: value 1 is NaN, which is a missing value")


@pytest.mark.parametrize(("datatype", "value"), [("INT8", 128), ("INT16", -32769), ("UINT8", 256), ("UINT16", 65536)])
def test_an_integer_that_overflows_its_datatype_is_refused(datatype: str, value: int) -> None:
    with pytest.raises(BadRequest) as caught:
        _grpc(KIND[datatype], 1, contents={TYPED_FIELDS[datatype]: [value]})

    assert str(caught.value).startswith(f"input x: value 0 is {value}, outside of {datatype}")


@pytest.mark.parametrize(("told", "expected"), [(4, None), (8, "binary_data_size is 8, its raw contents have 4 bytes")])
def test_rests_word_for_the_size_may_be_there_and_must_be_true(told: int, expected: str | None) -> None:
    """kserve's client leaves it in."""
    parameters = {"binary_data_size": {"int64_param": told}}
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 1], "parameters": parameters}
    request = message("ModelInferRequest")(inputs=[tensor], raw_input_contents=[np.float32(1.5).tobytes()])
    try:
        found: object = read_request(_schema(KIND["FP32"]), request, LIMITS).columns[0].tolist()
    except BadRequest as error:
        found = str(error)

    assert ([[1.5]] if expected is None else f"input x: {expected}") == found


@pytest.mark.parametrize("name", ["inputs", "outputs"])
def test_a_flood_of_empty_tensors_is_refused(name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_request(_schema(KIND["FP32"]), message("ModelInferRequest")(**{name: [{}] * 10_001}), LIMITS)

    assert f"{name} may be 10000 at most, got 10001" == str(caught.value)


def test_fp16_is_asked_for_as_raw_contents() -> None:
    with pytest.raises(BadRequest) as caught:
        _grpc(KIND["FP16"], 1, contents={"fp32_contents": [1.0]})

    assert "input x: FP16 has no typed contents; send every input in raw_input_contents" == str(caught.value)


def test_an_fp16_output_makes_the_whole_answer_raw() -> None:
    outputs = [TensorSpec("a", KIND["FP16"], (None,)), TensorSpec("b", KIND["FP32"], (None,))]
    arrays = [np.array([1.5], "f2"), np.array([2.5], "f4")]
    writer = ResponseWriter(outputs, name="m", version="", parameters={})
    both, one = (
        message("ModelInferResponse").FromString(writer.write(Asked("id", False), arrays, selection))
        for selection in (None, (1,))
    )

    assert [array.tobytes() for array in arrays] == list(both.raw_output_contents)
    assert [2.5] == list(one.outputs[0].contents.fp32_contents)


@pytest.mark.parametrize("is_raw", [True, False], ids=["raw", "typed"])
def test_a_string_above_the_limit_is_refused(is_raw: bool) -> None:
    text = "é" * (LIMITS.max_string + 1)
    where: dict[str, Any] = {"contents": {"bytes_contents": [text.encode()]}}
    if is_raw:
        where = {"raw_input_contents": [raw_from_array(np.array([[text]], object))]}

    with pytest.raises(BadRequest, match=r"input x: data\[0\] has 16385 characters, a string is limited to 16384"):
        _grpc(KIND["BYTES"], 1, **where)
