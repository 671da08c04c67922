"""Binary tensors: the same arrays as from JSON, sizes that add up or a refusal, and answers with every bit."""

import json
import struct
from typing import Any, Literal

import numpy as np
import orjson
import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.card import Card, Feature
from bankmodel_serving.codec import AnswerForm, DecodeLimits, Decoder, Encoder, Inference
from bankmodel_serving.errors import BadRequest
from bankmodel_serving.tensors import KINDS, Kind, Schema, TensorSpec, schema_of

BY_NAME = {kind.datatype: kind for kind in KINDS}
LIMITS = DecodeLimits(max_rows=100, max_depth=8)
CODES = {
    **{"BOOL": "?", "FP16": "e", "FP32": "f", "FP64": "d", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q"},
    **{"UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q"},
}
OUTPUTS = (TensorSpec("y", BY_NAME["FP32"], (None, 1)), TensorSpec("z", BY_NAME["BYTES"], (None,)))


def _schema(**inputs: tuple[str, tuple[int | None, ...]]) -> Schema:
    return schema_of((TensorSpec(name, BY_NAME[kind], shape) for name, (kind, shape) in inputs.items()), OUTPUTS, None)


def _wire(kind: Kind, values: list[Any]) -> bytes:
    """Values as somebody else would write them: by struct, not by numpy."""
    if kind.family == "string":
        return b"".join(struct.pack("<I", len(value.encode())) + value.encode() for value in values)
    code = CODES[kind.datatype]
    return struct.pack(f"<{len(values)}{code}", *(float("nan") if value is None else value for value in values))


def _tensor(name: str, datatype: str, shape: list[int], size: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}, **more}


def _decode(schema: Schema, document: dict[str, Any], tail: bytes) -> Inference:
    head = json.dumps(document).encode()
    return Decoder(schema, LIMITS).decode_binary(head + tail, b"%d" % len(head))


WIDTHS: tuple[Literal[16, 32, 64], ...] = (16, 32, 64)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "string": st.text(max_size=8),
    **{
        kind.datatype: st.integers(int(np.iinfo(kind.dtype).min), int(np.iinfo(kind.dtype).max))
        for kind in KINDS
        if kind.family == "integer"
    },
    **{f"FP{width}": st.none() | st.floats(width=width, allow_nan=False, allow_infinity=False) for width in WIDTHS},
}


@given(st.sampled_from(KINDS), st.integers(1, 4), st.integers(1, 3), st.data())
def test_flat_nested_and_binary_give_the_same_array(kind: Kind, rows: int, width: int, draw: st.DataObject) -> None:
    one = VALUES.get(kind.datatype, VALUES.get(kind.family, st.nothing()))
    values = draw.draw(st.lists(one, min_size=rows * width, max_size=rows * width))
    schema = _schema(x=(kind.datatype, (None, width)))
    plain = {"name": "x", "datatype": kind.datatype, "shape": [rows, width]}
    nested = [values[at : at + width] for at in range(0, len(values), width)]
    raw = _wire(kind, values)
    found = [
        *(Decoder(schema, LIMITS).decode(orjson.dumps({"inputs": [{**plain, "data": d}]})) for d in (values, nested)),
        _decode(schema, {"inputs": [_tensor("x", kind.datatype, [rows, width], len(raw))]}, raw),
    ]
    arrays = [inference.columns[0] for inference in found]

    assert [(kind.dtype, (rows, width))] * 3 == [(array.dtype, array.shape) for array in arrays]
    if kind.family == "string":
        assert arrays[0].tolist() == arrays[1].tolist() == arrays[2].tolist()
    else:
        assert arrays[0].tobytes() == arrays[1].tobytes() == arrays[2].tobytes()


def test_json_and_binary_inputs_may_be_mixed_and_undeclared_bytes_are_stepped_over() -> None:
    schema = _schema(a=("FP32", (None, 1)), b=("INT64", (None, 1)), c=("BYTES", (None, 1)))
    tensors = [
        _tensor("c", "BYTES", [1, 1], 6),
        _tensor("other", "FP64", [9], 3),
        {"name": "b", "datatype": "INT64", "shape": [1, 1], "data": [7]},
        _tensor("a", "FP32", [1, 1], 4),
    ]
    found = _decode(schema, {"inputs": tensors}, b"\x02\0\0\0hi" + b"???" + struct.pack("<f", 1.5))

    assert [[[1.5]], [[7]], [["hi"]]] == [column.tolist() for column in found.columns]
    assert 1 == found.undeclared


X = _tensor("x", "FP32", [1, 2], 8)
S = _tensor("s", "BYTES", [2, 1], 9)
B = _tensor("b", "BOOL", [2, 1], 2)
EIGHT = struct.pack("<2f", 1, 2)
TWO = b"\x01\0\0\0a\0\0\0\0"
BAD: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "too few behind": (X, EIGHT[:7], "input x: binary_data_size is 8, but only 7 bytes are left"),
    "too many behind": (X, EIGHT + b"12", "2 bytes behind the JSON belong to no input"),
    "size below shape": (_tensor("x", "FP32", [1, 2], 7), EIGHT[:7], "shape [1, 2] of FP32 needs 8 bytes, got 7"),
    "size above shape": (_tensor("x", "FP32", [1, 2], 9), EIGHT + b"1", "shape [1, 2] of FP32 needs 8 bytes, got 9"),
    "negative": (_tensor("x", "FP32", [1, 2], -8), EIGHT, "binary_data_size must be a whole number of 0 or more"),
    "true": (_tensor("x", "FP32", [1, 2], True), b"1", "binary_data_size must be a whole number"),
    "text": ({**X, "parameters": {"binary_data_size": "8"}}, EIGHT, "must be a whole number of 0 or more, got 8"),
    "huge": (_tensor("x", "FP32", [1, 2], 2**62), EIGHT, "only 8 bytes are left"),
    "huge shape": (_tensor("x", "FP32", [2**31, 2], 8), EIGHT, "needs 17179869184 bytes, got 8"),
    "both": ({**X, "data": [1, 2]}, EIGHT, "input x has data and binary_data_size; send one of them"),
    "neither": ({"name": "x", "datatype": "FP32", "shape": [1, 2]}, b"", "input x: data must be a list"),
    "infinite": (X, struct.pack("<2f", 1, -np.inf), "input x: value 1 is infinite; FP32 must be finite, or NaN"),
    "other datatype": (_tensor("x", "FP64", [1, 1], 8), bytes(8), "datatype must be FP32, got FP64"),
    "no rows": (_tensor("x", "FP32", [0, 2], 0), b"", "1 to 100 rows, got 0"),
    "two as BOOL": (B, b"\x01\x02", "input b: value 1 is byte 2, a BOOL is 0 or 1"),
    "string count": (_tensor("s", "BYTES", [3, 1], 9), TWO, "needs at least 12 bytes, 4 before each value, got 9"),
    "string bomb": (_tensor("s", "BYTES", [2**31, 1], 9), TWO, "needs at least 8589934592 bytes"),
    "string too long": (
        S,
        b"\xff\xff\xff\xff" + TWO[4:],
        "value 0 says 4294967295 bytes (in 4, little-endian), 5 are left",
    ),
    "string cut": (S, b"\x02\0\0\0ab\0\0\0", "the bytes end before the length of value 1"),
    "string left over": (S, b"\0\0\0\0\0\0\0\0x", "1 bytes are left behind the 2 values of its shape"),
    "not UTF-8": (S, b"\x01\0\0\0\xff\0\0\0\0", "input s: value 0 is not UTF-8"),
    "surrogate": (_tensor("s", "BYTES", [1, 1], 7), b"\x03\0\0\0\xed\xa0\x80", "value 0 is not UTF-8"),
}


@pytest.mark.parametrize("case", BAD)
def test_bytes_that_do_not_fit_are_refused(case: str) -> None:
    tensor, tail, words = BAD[case]
    kind = {"x": ("FP32", (None, 2)), "s": ("BYTES", (None, 1)), "b": ("BOOL", (None, 1))}[tensor["name"]]

    with pytest.raises(BadRequest) as caught:
        _decode(_schema(**{tensor["name"]: kind}), {"inputs": [tensor]}, tail)

    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("length", [b"-1", b"+5", b"", b"5.0", b"0x5", b"5,5", b"9" * 30, b"100000", "٣".encode()])
def test_a_header_that_is_no_length_of_this_body_is_refused(length: bytes) -> None:
    with pytest.raises(BadRequest, match=r"inference-header-content-length must be .* 0 to 10 for this body"):
        Decoder(_schema(x=("FP32", (None, 2))), LIMITS).decode_binary(b'{"inputs"}', length)


def test_a_header_that_cuts_the_json_is_refused() -> None:
    body = orjson.dumps({"inputs": [X]})

    with pytest.raises(BadRequest, match="the body is not JSON"):
        Decoder(_schema(x=("FP32", (None, 2))), LIMITS).decode_binary(body + EIGHT, b"%d" % (len(body) - 1))


def test_nan_is_a_missing_value_with_the_bits_of_null_or_refused_where_the_card_says_so() -> None:
    spec = TensorSpec("x", BY_NAME["FP32"], (None, 2))
    odd = struct.pack("<2I", 0xFFC00001, 0x7F800001)
    (found,) = _decode(schema_of((spec,), OUTPUTS, None), {"inputs": [X]}, odd).columns
    card = Card(features=(Feature(name="x", datatype="FP32", on_missing="Reject"),))

    assert np.full((1, 2), np.nan, np.float32).tobytes() == found.tobytes()
    with pytest.raises(BadRequest, match="input x: value 0 is NaN, which is a missing value, but this model requires"):
        _decode(schema_of((spec,), OUTPUTS, card), {"inputs": [X]}, odd)


@given(st.binary(max_size=40), st.integers(-2, 60), st.sampled_from([X, S, B]))
def test_any_bytes_are_decoded_or_refused(tail: bytes, size: int, tensor: dict[str, Any]) -> None:
    schema = _schema(x=("FP32", (None, 2)), s=("BYTES", (None, 1)), b=("BOOL", (None, 1)))
    try:
        _decode(schema, {"inputs": [{**tensor, "parameters": {"binary_data_size": size}}]}, tail)
    except BadRequest as error:
        assert str(error)


ASKED: dict[str, tuple[dict[str, Any], set[int] | None]] = {
    "nothing": ({}, None),
    "all": ({"parameters": {"binary_data_output": True}}, {0, 1}),
    "one": ({"outputs": [{"name": "z", "parameters": {"binary_data": True}}, {"name": "y"}]}, {1}),
    "all but one": (
        {
            "parameters": {"binary_data_output": True},
            "outputs": [{"name": "y", "parameters": {"binary_data": False}}, {"name": "z"}],
        },
        {1},
    ),
    "none in the end": (
        {
            "parameters": {"binary_data_output": True},
            "outputs": [{"name": "y", "parameters": {"binary_data": False}}],
        },
        None,
    ),
}


@pytest.mark.parametrize("case", ASKED)
def test_outputs_are_binary_where_asked_for(case: str) -> None:
    rest, expected = ASKED[case]
    plain = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}
    form = Decoder(_schema(x=("FP32", (None, 2))), LIMITS).decode(orjson.dumps({"inputs": [plain], **rest})).form

    assert expected == (None if form is None else form.binary)


@given(st.sampled_from(KINDS), st.integers(1, 5), st.data())
def test_a_binary_answer_has_every_bit_and_says_the_same_as_json(kind: Kind, rows: int, draw: st.DataObject) -> None:
    one = VALUES.get(kind.datatype, VALUES.get(kind.family, st.nothing()))
    values = draw.draw(st.lists(one, min_size=rows, max_size=rows))
    array = np.empty(rows, kind.dtype)
    array[:] = [np.nan if value is None else value for value in values]
    specs = (TensorSpec("a", kind, (None,)), TensorSpec("b", kind, (None,)))
    encoder = Encoder(specs, name="m", version="1", parameters={"sha256": "s"})
    framed = encoder.encode_as(AnswerForm(frozenset({1}), "t"), "i", [array, array], [1, 0])
    head, tail = orjson.loads(framed.body[: framed.json_length]), framed.body[framed.json_length :]
    plain = orjson.loads(encoder.encode("i", [array, array], [1, 0]))
    raw = _wire(kind, values)

    assert raw == tail
    assert {"name": "b", "parameters": {"binary_data_size": len(raw)}} == {
        key: value for key, value in head["outputs"][0].items() if key in ("name", "parameters", "data")
    }
    assert plain["outputs"][1] == head["outputs"][1]
    assert {"sha256": "s", "traceparent": "t"} == head["parameters"]
    assert {**plain, "outputs": 0, "parameters": 0} == {**head, "outputs": 0, "parameters": 0}


def test_a_trace_alone_leaves_an_answer_in_json() -> None:
    encoder = Encoder(OUTPUTS[:1], name="m", version="")
    framed = encoder.encode_as(AnswerForm(traceparent="t"), "i", [np.zeros((1, 1), np.float32)], None)

    assert framed.json_length is None
    assert {"traceparent": "t"} == orjson.loads(framed.body)["parameters"]
