"""The fast path: what it reads, and that it never reads a body otherwise than the general path does."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.card import Card, Feature
from bankmodel_serving.codec import DecodeLimits, Inference
from bankmodel_serving.codec.decode import decode_document, parse_json
from bankmodel_serving.codec.layouts import LayoutReader
from bankmodel_serving.errors import BadRequest
from bankmodel_serving.grouping import Packed
from bankmodel_serving.tensors import KINDS, TensorSpec, schema_of

BY_NAME = {kind.datatype: kind for kind in KINDS}
LIMITS = DecodeLimits(max_rows=100, max_depth=8)
CARD = Card(
    features=(
        Feature(name="amount", datatype="FP32"),
        Feature(name="income", datatype="FP32", on_missing="Reject"),
        Feature(name="visits", datatype="INT64", missing_token=-1),
        Feature(name="region", datatype="BYTES", missing_token="unknown"),
        Feature(name="branch", datatype="BYTES", missing_token="none"),
    )
)
COLUMNS = {"amount": "FP32", "income": "FP32", "rate": "FP64", "visits": "INT64", "region": "BYTES", "branch": "BYTES"}
OUTPUTS = [TensorSpec("y", BY_NAME["FP32"], (None, 1)), TensorSpec("z", BY_NAME["BYTES"], (None,))]
MIXED = schema_of([TensorSpec(name, BY_NAME[kind], (None, 1)) for name, kind in COLUMNS.items()], OUTPUTS, CARD)
DENSE = schema_of([TensorSpec("x", BY_NAME["FP32"], (None, 2))], OUTPUTS, None)
EVERY = schema_of(
    [TensorSpec(kind.datatype, kind, (None,)) for kind in KINDS] + [TensorSpec("wide", BY_NAME["INT32"], (None, 2, 2))],
    OUTPUTS,
    None,
)


def _tensor(name: str, datatype: str, rows: int, *data: Any) -> dict[str, Any]:
    return {"name": name, "shape": [rows, len(data) // rows], "datatype": datatype, "data": list(data)}


def _general(schema: Any, body: bytes) -> Any:
    try:
        return _seen(decode_document(schema, parse_json(body), LIMITS))
    except BadRequest:
        return None


def _seen(found: Inference) -> Any:
    columns = [
        (column.dtype.str, column.shape, column.tolist() if column.dtype == object else column.tobytes())
        for column in found.columns
    ]
    return (found.id, found.rows, found.selection, found.absent, found.undeclared, found.form, columns)


def _taught(schema: Any, *bodies: bytes) -> LayoutReader:
    reader = LayoutReader(schema)
    for body in bodies:
        document = parse_json(body)
        reader.learn(body, document, decode_document(schema, document, LIMITS))
    return reader


def _mixed(rows: int, values: dict[str, list[Any]] | None = None) -> list[dict[str, Any]]:
    plain: dict[str, list[Any]] = {
        "amount": [1.5] * rows,
        "income": [2] * rows,
        "rate": [0.25] * rows,
        "visits": [3] * rows,
        "region": ["north"] * rows,
        "branch": ["a"] * rows,
    }
    return [_tensor(name, COLUMNS[name], rows, *data) for name, data in (plain | (values or {})).items()]


SEPARATORS = pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])


@SEPARATORS
@pytest.mark.parametrize("request_id", ["loan-1", None])
def test_a_known_layout_is_read_without_the_general_path(separators: tuple[str, str], request_id: str | None) -> None:
    def body(**values: list[Any]) -> bytes:
        head = {} if request_id is None else {"id": request_id}
        return json.dumps({**head, "inputs": _mixed(1, values)}, separators=separators).encode()

    reader = _taught(MIXED, body())
    found = reader.read(body(amount=[None], visits=[None], region=[None], rate=[7], branch=["x, y: ü"]))

    assert found is not None
    assert isinstance(found.content, Packed)
    assert request_id == found.id
    amount, *rest = (column.tolist() for column in found.columns)
    assert str(amount) == "[[nan]]"
    assert rest == [[[2.0]], [[7.0]], [[-1]], [["unknown"]], [["x, y: ü"]]]


def test_an_input_that_a_layout_leaves_out_is_filled_in_and_counted() -> None:
    def body(amount: float) -> bytes:
        return orjson.dumps({"inputs": [_tensor("amount", "FP32", 1, amount), *_mixed(1)[1:3]]})

    found = _taught(MIXED, body(1.0)).read(body(2.0))

    assert found is not None
    assert _general(MIXED, body(2.0)) == _seen(found)
    assert ("visits", "region", "branch") == found.absent


LIES = {
    "a value that ends inside of a string": ([1], b'"a]b"'),
    "two values": ([1], b"1,2"),
    "no value": ([1], b""),
    "a word for a number": ([1], b"true"),
    "a number beyond the type": ([1], b"1e39"),
    "an object": ([1], b"{}"),
    "a list": ([1], b"[1]"),
    "not JSON": ([1], b"NaN"),
    "a string for a number": ([1], b'"1"'),
}


@pytest.mark.parametrize(("taught", "value"), LIES.values(), ids=LIES)
def test_what_is_not_plainly_right_is_left_to_the_general_path(taught: list[Any], value: bytes) -> None:
    def body(text: bytes) -> bytes:
        return b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[%s,2]}]}' % text

    assert _taught(DENSE, body(b"1")).read(body(value)) is None


def test_a_quote_that_swallows_the_next_tensor_is_not_read() -> None:
    def body(first: bytes, second: bytes) -> bytes:
        tensor = b'{"name":"%s","shape":[1],"datatype":"BYTES","data":[%s]}'
        return b'{"inputs":[%s,%s]}' % (tensor % (b"a", first), tensor % (b"b", second))

    schema = schema_of([TensorSpec(name, BY_NAME["BYTES"], (None,)) for name in "ab"], OUTPUTS, None)
    reader = _taught(schema, body(b'"x"', b'"y"'))

    assert reader.read(body(b'"x', b'y"')) is None
    assert reader.read(body(b'"x","', b'"')) is None


NEVER_LEARNED = {
    "another data": b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2],"parameters":{"data":[1,2]}}]}',
    "data twice": b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2],"data":[1,2]}]}',
    "id twice": b'{"id":"a","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}],"id":"a"}',
    "id behind": b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}],"id":"a"}',
    "an escaped id": b'{"id":"a\\u0062","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}',
    "nested data": b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[[1,2]]}]}',
}


@pytest.mark.parametrize("body", NEVER_LEARNED.values(), ids=NEVER_LEARNED)
def test_a_layout_that_could_be_misread_is_not_learned(body: bytes) -> None:
    assert _taught(DENSE, body).read(body) is None


def test_many_layouts_do_not_fill_the_memory() -> None:
    bodies = [
        orjson.dumps({"inputs": [_tensor("x", "FP32", 1, 1.0, 2.0), _tensor(f"other-{index}", "FP32", 1, 1.0)]})
        for index in range(200)
    ]
    reader = _taught(DENSE, *bodies)

    assert reader.read(bodies[-1]) is not None
    assert reader.read(bodies[0]) is None


NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70),
    st.sampled_from([None, True, False, "1", [], {}, 1e39, -3.5e38, 3.4028235677973366e38, 2**63, 2**53 + 1, 0.1]),
)
WORDS: st.SearchStrategy[Any] = st.one_of(
    st.text(), st.sampled_from(["", "]", "],[", '"', "\\", "a]b", '","data":[', "{", None, 1, True, "null"])
)
RIGHT = {"FP32": st.floats(-1e6, 1e6) | st.integers(-9, 9), "FP64": st.floats(-1e6, 1e6), "INT64": st.integers(-9, 9)}


@st.composite
def fillings(draw: st.DrawFn) -> tuple[int, list[list[Any]]]:
    """Row count and values of the six mixed columns: mostly right, sometimes anything."""
    rows = draw(st.integers(1, 3))
    odd = draw(st.integers(0, 11))  # the column that may hold anything; above 5: none
    columns = []
    for index, kind in enumerate(COLUMNS.values()):
        anything = WORDS if kind == "BYTES" else NUMBERS
        right = st.text() if kind == "BYTES" else RIGHT[kind]
        values = st.lists(anything if index == odd else right, min_size=rows, max_size=rows)
        columns.append(draw(values))
    return rows, columns


@given(fillings(), st.sampled_from(["", "a", "Ü", 'q"', "i" * 300]), st.booleans())
def test_both_paths_agree_on_every_filling(
    filled: tuple[int, list[list[Any]]], request_id: str, is_spaced: bool
) -> None:
    rows, columns = filled

    def body(**values: list[Any]) -> bytes:
        document = {"id": request_id or "none", "inputs": _mixed(rows, values)}
        return json.dumps(document).encode() if is_spaced else orjson.dumps(document)

    reader = LayoutReader(MIXED)
    if len(request_id) <= 256:
        reader = _taught(MIXED, body())
    try:
        asked = body(**dict(zip(COLUMNS, columns, strict=True)))
    except (TypeError, UnicodeEncodeError):
        return  # no JSON: integers beyond 64 bits, lone surrogates
    found = reader.read(asked)

    assert found is None or _seen(found) == _general(MIXED, asked)


@given(st.data())
def test_both_paths_agree_on_every_damage(data: st.DataObject) -> None:
    first, second = _mixed(2), _mixed(2, {"amount": [None, 9.5], "region": ["x]", "y"]})
    known = orjson.dumps({"id": "a", "inputs": first, "outputs": [{"name": "y"}]})
    reader = _taught(MIXED, known)
    asked = bytearray(orjson.dumps({"id": "b", "inputs": second, "outputs": [{"name": "y"}]}))
    pieces = st.sampled_from(
        [b"", b"]", b"[", b'"', b",", b"{", b"}", b"1", b"\0", b'"data":[', b"true", b"\xff", b" "]
    )
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(asked)))
        asked[start : start + data.draw(st.integers(0, 2))] = data.draw(pieces)
    found = reader.read(bytes(asked))

    assert found is None or _seen(found) == _general(MIXED, bytes(asked))


@given(st.integers(1, 3), st.data())
def test_every_datatype_is_packed_as_the_general_path_converts_it(rows: int, data: st.DataObject) -> None:
    def tensors(values: dict[str, list[Any]]) -> list[dict[str, Any]]:
        small = [
            {"name": kind.datatype, "shape": [rows], "datatype": kind.datatype, "data": values[kind.datatype]}
            for kind in KINDS
        ]
        return [*small, {"name": "wide", "shape": [rows, 2, 2], "datatype": "INT32", "data": values["wide"]}]

    plain: dict[str, Any] = {"bool": False, "integer": 1, "float": 1.5, "string": "a"}
    known = {kind.datatype: [plain[kind.family]] * rows for kind in KINDS} | {"wide": [1] * 4 * rows}
    anything = {
        "bool": st.booleans() | st.integers(0, 1),
        "integer": st.integers(-(2**64), 2**64 - 1) | st.booleans(),
        "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1),
        "string": st.text(st.characters(codec="utf-8")) | st.none(),
    }
    chosen = data.draw(st.sampled_from([*KINDS, BY_NAME["FP16"], BY_NAME["FP32"]]))
    drawn = data.draw(st.lists(anything[chosen.family], min_size=rows, max_size=rows))
    reader = _taught(EVERY, orjson.dumps({"inputs": tensors(known)}))
    asked = json.dumps({"inputs": tensors(known | {chosen.datatype: drawn})}, separators=(",", ":")).encode()
    found = reader.read(asked)

    assert found is None or _seen(found) == _general(EVERY, asked)
