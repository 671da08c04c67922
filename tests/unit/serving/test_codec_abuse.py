"""Bodies that are JSON and no honest request: refused in words and before they cost much, never a crash, never a score."""

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from bankmodel_serving.codec import DecodeLimits, Decoder
from bankmodel_serving.codec.weight import refuse_repeated_keys
from bankmodel_serving.errors import BadRequest
from bankmodel_serving.tensors import KINDS, Schema, TensorSpec, schema_of

BY_NAME = {kind.datatype: kind for kind in KINDS}
BODY_BYTES = 4 << 20


def _spec(name: str, datatype: str, *shape: int | None) -> TensorSpec:
    return TensorSpec(name, BY_NAME[datatype], shape)


def _schema(*specs: TensorSpec) -> Schema:
    return schema_of(specs, (_spec("y", "FP32", None, 1),), None)


MATRIX = Decoder(_schema(_spec("x", "FP32", None, 2)))
CUBE = Decoder(_schema(_spec("x", "FP32", None, None, None)))
COLUMNS = Decoder(_schema(_spec("n", "INT64", None, 1), _spec("b", "BOOL", None, 1), _spec("s", "BYTES", None, 1)))


def _x(data: bytes, shape: bytes = b"[1,2]", rest: bytes = b"") -> bytes:
    return b'{"inputs":[{"name":"x","shape":%s,"datatype":"FP32","data":%s}]%s}' % (shape, data, rest)


def _columns(n: bytes = b"1", b: bytes = b"true", s: bytes = b'"a"') -> bytes:
    tensors = [
        b'{"name":"%s","shape":[1,1],"datatype":"%s","data":[%s]}' % tensor
        for tensor in ((b"n", b"INT64", n), (b"b", b"BOOL", b), (b"s", b"BYTES", s))
    ]
    return b'{"inputs":[%s]}' % b",".join(tensors)


BAD: dict[str, tuple[Decoder, bytes, str]] = {
    "NaN": (MATRIX, _x(b"[NaN,1]"), "a missing value is null, not NaN"),
    "Infinity": (MATRIX, _x(b"[Infinity,1]"), "not JSON"),
    "-Infinity": (MATRIX, _x(b"[-Infinity,1]"), "not JSON"),
    "1e999": (MATRIX, _x(b"[1e999,1]"), "not JSON"),
    "400 nines": (MATRIX, _x(b"[1," + b"9" * 400 + b"]"), "not JSON"),
    "5000 nines": (MATRIX, _x(b"[1," + b"9" * 5000 + b"]"), "not JSON"),
    "beyond FP32": (MATRIX, _x(b"[1,1e39]"), "data[1] is 1e+39, outside of FP32"),
    "beyond FP32 twice, with both signs": (MATRIX, _x(b"[1e39,-1e39]"), "data[0] is 1e+39, outside of FP32"),
    "true for a number": (MATRIX, _x(b"[true,1]"), "data[0] must be a number (FP32), got true"),
    "a number in a string": (MATRIX, _x(b'["1",1]'), "data[0] must be a number (FP32), got '1'"),
    "no values": (MATRIX, _x(b"[]"), "needs 2 values in data, got 0"),
    "key twice in a tensor": (MATRIX, _x(b'[1,2],"data":[3,4]'), "key data is there twice"),
    "shape twice": (MATRIX, _x(b"[1,2]", b'[1,2],"shape":[1,2]'), "key shape is there twice"),
    "inputs twice": (MATRIX, _x(b"[1,2]", rest=b',"inputs":[]'), "key inputs is there twice"),
    "key twice, once escaped": (MATRIX, _x(b'[1,2],"d\\u0061ta":[3,4]'), "key data is there twice"),
    "key twice in parameters": (MATRIX, _x(b"[1,2]", rest=b',"parameters":{"a":1,"a":2}'), "key a is there twice"),
    "key twice, and a colon too few": (
        MATRIX,
        _x(b"[1,2]", rest=b',"id":"\\u003a\\u003A","outputs":[{"name":"y","name":"y"}]'),
        "key name is there twice",
    ),
    "key twice in a list behind a number": (
        MATRIX,
        _x(b"[1,2]", rest=b',"q":[1,{"a":1,"a":1}]'),
        "key a is there twice",
    ),
    "key twice, too deep to look": (
        MATRIX,
        _x(b"[1,2]", rest=b',"q":[1,' + b"[" * 1015 + b"]" * 1015 + b',{"a":1,"a":1}]'),
        "nested deeper than",
    ),
    "1500 levels": (MATRIX, _x(b"[" * 1500 + b"]" * 1500), "not JSON"),
    "900 levels": (MATRIX, _x(b"[" * 900 + b"]" * 900), "nested deeper than 16 levels"),
    "900 levels behind a number": (MATRIX, _x(b"[1," + b"[" * 900 + b"]" * 900 + b"]"), "got a list"),
    "900 objects": (MATRIX, b'{"inputs":' + b'{"a":' * 900 + b"1" + b"}" * 901, "nested deeper than 16 levels"),
    "a shape whose product overflows": (CUBE, _x(b"[]", b"[2147483648,2147483648,4]"), "needs 18446744073709551616"),
    "a size beyond 32 bits": (CUBE, _x(b"[]", b"[4294967296,1,1]"), "shape must be a list of whole numbers"),
    "a size beyond 64 bits": (CUBE, _x(b"[]", b"[36893488147419103232,1,1]"), "shape must be a list of whole numbers"),
    "negative sizes whose product fits": (CUBE, _x(b"[1,2,3,4]", b"[-2,-2,1]"), "whole numbers of 0 or more"),
    "a fraction as size": (CUBE, _x(b"[1]", b"[1.0,1,1]"), "whole numbers of 0 or more"),
    "100,000 sizes": (CUBE, _x(b"[1]", b"[" + b"1," * 99_999 + b"1]"), "input x: shape must be [-1, -1, -1]"),
    "invalid UTF-8": (COLUMNS, _columns(s=b'"\xff"'), "not JSON"),
    "overlong UTF-8": (COLUMNS, _columns(s=b'"\xc0\xaf"'), "not JSON"),
    "lone surrogate": (COLUMNS, _columns(s=b'"\\ud800"'), "not JSON"),
    "surrogate as UTF-8": (COLUMNS, _columns(s=b'"\xed\xa0\x80"'), "not JSON"),
    "control character": (COLUMNS, _columns(s=b'"\x01"'), "not JSON"),
    "byte order mark": (COLUMNS, b"\xef\xbb\xbf" + _columns(), "not JSON"),
    "UTF-16": (COLUMNS, _columns().decode().encode("utf-16"), "not JSON"),
    "something behind": (COLUMNS, _columns() + b"{}", "not JSON"),
    "comma at the end": (COLUMNS, _columns(n=b"1,"), "not JSON"),
    "a whole number as float": (COLUMNS, _columns(n=b"1.0"), "data[0] must be a whole number (INT64), got 1.0"),
    "an integer beyond INT64": (COLUMNS, _columns(n=b"9223372036854775808"), "outside of INT64"),
    "an integer beyond UINT64": (COLUMNS, _columns(n=b"18446744073709551616"), "must be a whole number (INT64)"),
    "1 for true": (COLUMNS, _columns(b=b"1"), "data[0] must be true or false (BOOL), got 1"),
    "an object as text": (COLUMNS, _columns(s=b'{"a":1}'), "data[0] must be a string (BYTES), got an object"),
    "a long string": (COLUMNS, _columns(s=b'"' + b"a" * 16_385 + b'"'), "data[0] has 16385 characters"),
    "a long name": (MATRIX, b'{"inputs":[{"name":"' + b"n" * 3_000_000 + b'"}]}', "none of the inputs sent"),
    "a long datatype": (
        MATRIX,
        b'{"inputs":[{"name":"x","datatype":"' + b"n" * 3_000_000 + b'"}]}',
        "datatype must be FP32",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_it_is_refused_in_a_sentence(case: str) -> None:
    decoder, body, words = BAD[case]

    with pytest.raises(BadRequest) as caught:
        decoder.decode(body)

    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_missing_value_is_none_of_these() -> None:
    (column,) = MATRIX.decode(_x(b"[null,1]")).columns

    assert [True, False] == np.isnan(column).reshape(-1).tolist()


@pytest.mark.parametrize(
    "text", ['"a\\u0000b"', '"\\ud834\\udd1e"', '"key:\\\\u003a:"', '"[{]}:,"', '"' + "é" * 16_384 + '"'], ids=repr
)
def test_odd_text_comes_through_as_it_is(text: str) -> None:
    found = COLUMNS.decode(_columns(s=text.encode())).columns[2]

    assert [json.loads(text)] == found.reshape(-1).tolist()


HEAVY = {
    "lists": b"[],",
    "objects": b"{},",
    "objects with a key": b'{"a":1},',
    "inputs": b'{"name":"q"},',
    "keys": b'"a":0,',
    "lists in lists": b"[" * 12 + b"]" * 12 + b",",
}


@pytest.mark.parametrize("case", HEAVY)
def test_a_body_that_would_fill_the_pod_is_refused_before_it_does(case: str) -> None:
    piece = HEAVY[case]
    opening, last, closing = (b"{", b'"":0', b"}") if case == "keys" else (b"[", b"{}", b"]")
    body = b'{"inputs":' + opening + piece * (BODY_BYTES // len(piece)) + last + closing + b"}"
    tracemalloc.start()
    with pytest.raises(BadRequest, match=r"the body has more than \d+ (lists|objects|keys); send data flat"):
        MATRIX.decode(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 3 * BODY_BYTES  # parsed they take up to 30 times as much


def test_brackets_in_strings_are_no_lists() -> None:
    texts = ["[" * 400 + "{"] * 1000
    inputs = [
        {"name": "n", "shape": [1000, 1], "datatype": "INT64", "data": [1] * 1000},
        {"name": "b", "shape": [1000, 1], "datatype": "BOOL", "data": [[True]] * 1000},
        {"name": "s", "shape": [1000, 1], "datatype": "BYTES", "data": texts},
    ]

    assert 1000 == COLUMNS.decode(json.dumps({"inputs": inputs}).encode()).rows


def test_the_largest_honest_body_is_light_enough() -> None:
    specs = [_spec(f"c{index}", "INT64", None, 1) for index in range(20)]
    decoder = Decoder(_schema(*specs), DecodeLimits(max_rows=10_000))
    tensors = [{"name": spec.name, "shape": [10_000, 1], "datatype": "INT64", "data": [[1]] * 10_000} for spec in specs]

    assert 10_000 == decoder.decode(json.dumps({"inputs": tensors}).encode()).rows


JSON: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 1, "", ":", "a:\\:é", '"{["', [1, {"a": ":"}]]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([":", '"', "a", "é"]), inner, max_size=3)
    ),
    max_leaves=8,
)
# `inputs` and `outputs` that are no lists of objects are refused behind this check, whatever it says.
DOCUMENTS = st.dictionaries(st.sampled_from(["id", "p", "q"]), JSON, max_size=2)


@settings(max_examples=50)
@given(DOCUMENTS, st.booleans())
def test_no_document_without_a_repeated_key_is_refused_for_one(document: dict[str, Any], is_ascii: bool) -> None:
    refuse_repeated_keys(json.dumps(document, ensure_ascii=is_ascii).encode(), document)


@settings(max_examples=50)
@given(DOCUMENTS, st.text("[{", max_size=3))
def test_every_repeated_key_is_found(document: dict[str, Any], around: str) -> None:
    twice = '{"k":1,"k":2}'
    for bracket in around:
        twice = f"[{twice}]" if bracket == "[" else f'{{"w":{twice}}}'
    text = json.dumps(document)
    body = text[:-1] + (", " if document else "") + f'"z": {twice}' + "}"

    with pytest.raises(BadRequest, match="key k is there twice"):
        refuse_repeated_keys(body.encode(), json.loads(body))
