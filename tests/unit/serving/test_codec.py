"""The codec: every datatype there and back, what does not fit refused by name, and one answer from both paths."""

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.card import Card, Feature
from bankmodel_serving.codec import DecodeLimits, Decoder, Encoder, refuse_infinite
from bankmodel_serving.errors import BadRequest, InferenceFailed, ModelInvalid
from bankmodel_serving.tensors import KINDS, Kind, Schema, TensorSpec, schema_of

BY_NAME = {kind.datatype: kind for kind in KINDS}
LIMITS = DecodeLimits(max_rows=100, max_depth=8)
EDGES: dict[str, list[Any]] = {
    "BOOL": [True, False],
    **{f"UINT{bits}": [0, 2**bits - 1] for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] for bits in (8, 16, 32, 64)},
    "FP16": [-65504.0, 6e-08, -0.0],
    "FP32": [3.4028234663852886e38, 1e-45, 0.1, 3, -0.0],
    "FP64": [1.7976931348623157e308, 5e-324, 0.1, 3, -0.0],
    "BYTES": ["", "Zürich", "a\x00b", "𝄞", '"\\'],
}


def _spec(name: str, datatype: str, *shape: int | None) -> TensorSpec:
    return TensorSpec(name, BY_NAME[datatype], shape)


def _schema(*specs: TensorSpec, card: Card | None = None) -> Schema:
    return schema_of(specs, (_spec("y", "FP32", None, 1), _spec("z", "BYTES", None)), card)


def _tensor(name: str, datatype: str, shape: list[int], data: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def _body(*inputs: dict[str, Any], **rest: Any) -> bytes:
    return json.dumps({"inputs": list(inputs), **rest}).encode()


@pytest.mark.parametrize("datatype", EDGES)
def test_every_datatype_survives_to_its_limits(datatype: str) -> None:
    values = EDGES[datatype]
    decoder = Decoder(_schema(_spec("x", datatype, None, 1)), LIMITS)
    (column,) = decoder.decode(_body(_tensor("x", datatype, [len(values), 1], values))).columns
    encoder = Encoder((_spec("x", datatype, None, 1),), name="m", version="")
    answer = orjson.loads(encoder.encode("1", [column], None))["outputs"][0]

    assert column.dtype == BY_NAME[datatype].dtype
    assert [datatype, [len(values), 1]] == [answer["datatype"], answer["shape"]]
    assert column.reshape(-1).tolist() == np.array(answer["data"], dtype=column.dtype).tolist()
    assert np.array(values, dtype=column.dtype).tolist() == column.reshape(-1).tolist()


TOO_LARGE: dict[str, list[Any]] = {
    **{f"UINT{bits}": [-1, 2**bits] for bits in (8, 16, 32)},
    **{f"INT{bits}": [-(2 ** (bits - 1)) - 1, 2 ** (bits - 1)] for bits in (8, 16, 32)},
    "UINT64": [-1],
    "INT64": [2**63],
    "FP16": [65520, -1e5],
    "FP32": [3.5e38, -1e39],
    "FP64": [],
}


@pytest.mark.parametrize(
    ("datatype", "value"), [(name, value) for name, values in TOO_LARGE.items() for value in values]
)
def test_a_value_outside_of_its_datatype_is_refused(datatype: str, value: Any) -> None:
    decoder = Decoder(_schema(_spec("x", datatype, None, 1)), LIMITS)

    with pytest.raises(BadRequest, match=r"input x: data\[1\] is .* outside of " + datatype):
        decoder.decode(_body(_tensor("x", datatype, [2, 1], [1, value])))


STRANGERS: dict[str, list[Any]] = {
    "bool": [0, 1.0, "true", [], {}],
    "integer": [1.0, True, "1", [], {}],
    "float": [True, "1.5", "NaN", [], {}],
    "string": [1, True, [], {}],
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.datatype)
def test_a_value_of_another_type_is_refused(kind: Kind) -> None:
    decoder = Decoder(_schema(_spec("x", kind.datatype, None, 1)), LIMITS)
    good = EDGES[kind.datatype][0]
    for stranger in STRANGERS[kind.family]:
        with pytest.raises(BadRequest, match=r"input x: data\[1\] must be .*" + kind.datatype):
            decoder.decode(_body(_tensor("x", kind.datatype, [2, 1], [good, stranger])))


def test_nested_and_flat_data_are_the_same() -> None:
    decoder = Decoder(_schema(_spec("x", "INT32", None, 2, 2)), LIMITS)
    nested = decoder.decode(_body(_tensor("x", "INT32", [2, 2, 2], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])))
    flat = decoder.decode(_body(_tensor("x", "INT32", [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])))

    assert nested.columns[0].tolist() == flat.columns[0].tolist()
    assert (2, 2, 2) == nested.columns[0].shape


X = _tensor("x", "FP32", [2, 2], [1, 2, 3, 4])
BINARY = {"name": "x", "datatype": "FP32", "shape": [2, 2], "parameters": {"binary_data_size": 16}}
BAD_BODIES = {
    "empty": (b"", "the body is not JSON"),
    "half": (b'{"inputs":', "the body is not JSON"),
    "NaN": (b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}', "missing value is null"),
    "Infinity": (b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[-Infinity,1]}]}', "not JSON"),
    "1e400": (b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1e400,1]}]}', "not JSON"),
    "invalid UTF-8": (b'{"inputs":[{"name":"\xff"}]}', "not JSON"),
    "lone surrogate": (b'{"inputs":[{"name":"\\ud800"}]}', "not JSON"),
    "a list": (b"[]", "must be a JSON object"),
    "too deep": (b'{"inputs":' + b"[" * 20 + b"]" * 20 + b"}", "nested deeper than 8"),
    "no inputs": (b"{}", "inputs must be a list"),
    "empty inputs": (_body(), "inputs must be a list of at least one"),
    "no name": (_body({"shape": [1]}), "inputs[0] must be an object with a name"),
    "a number as input": (b'{"inputs":[5]}', "inputs[0] must be an object with a name"),
    "twice": (_body(X, X), "input x is there twice"),
    "nothing declared": (_body(_tensor("q", "FP32", [1], [1])), "none of the inputs sent is one of this model's: x"),
    "other datatype": (_body({**X, "datatype": "FP64"}), "input x: datatype must be FP32, got FP64"),
    "shape as text": (_body({**X, "shape": "2,2"}), "input x: shape must be a list of whole numbers"),
    "negative shape": (_body({**X, "shape": [-1, 2]}), "input x: shape must be a list of whole numbers of 0 or more"),
    "true as shape": (_body({**X, "shape": [True, 2]}), "input x: shape must be a list of whole numbers"),
    "wrong width": (_body({**X, "shape": [4, 1]}), "input x: shape must be [-1, 2] (-1: any size), got [4, 1]"),
    "wrong rank": (_body({**X, "shape": [4]}), "input x: shape must be [-1, 2]"),
    "few values": (_body({**X, "data": [1, 2, 3]}), "shape [2, 2] needs 4 values in data, got 3"),
    "ragged": (_body({**X, "data": [[1, 2], [3]]}), "at depth 1 expected a list of 2, got a list of 1"),
    "half nested": (_body({**X, "data": [[1, 2], 3, 4]}), "at depth 0 expected a list of 2, got a list of 3"),
    "nested too far": (_body({**X, "data": [[[1], [2]], [[3], [4]]]}), "data[0] must be a number"),
    "data as object": (_body({**X, "data": {}}), "input x: data must be a list"),
    "no data": (_body({"name": "x", "shape": [2, 2], "datatype": "FP32"}), "input x: data must be a list"),
    "no rows": (_body({**X, "shape": [0, 2], "data": []}), "1 to 100 rows, got 0"),
    "many rows": (_body({**X, "shape": [101, 2], "data": [0] * 202}), "1 to 100 rows, got 101"),
    "huge shape": (_body({**X, "shape": [2**31, 2], "data": []}), "needs 4294967296 values in data, got 0"),
    "number as id": (_body(X, id=5), "id must be a string"),
    "long id": (_body(X, id="i" * 257), "id must be a string of at most 256"),
    "outputs as object": (_body(X, outputs={}), "outputs must be a list"),
    "unknown output": (_body(X, outputs=[{"name": "q"}]), "outputs[0]: this model has no output q; it has y, z"),
    "output twice": (_body(X, outputs=[{"name": "y"}, {"name": "y"}]), "names an output twice"),
    "bytes without a header": (_body(BINARY), "header inference-header-content-length is missing"),
    "binary_data as text": (
        _body(X, outputs=[{"name": "y", "parameters": {"binary_data": "yes"}}]),
        "output y: parameters.binary_data must be true or false, got yes",
    ),
    "binary_data_output as number": (
        _body(X, parameters={"binary_data_output": 1}),
        "parameters.binary_data_output must be true or false, got 1",
    ),
    "shared memory in": (
        _body({**X, "parameters": {"shared_memory_region": "r"}}),
        "input x: parameters.shared_memory",
    ),
    "shared memory out": (
        _body(X, outputs=[{"name": "y", "parameters": {"shared_memory_region": "r"}}]),
        "output y: parameters.shared_memory_region is not supported",
    ),
    "classification": (
        _body(X, outputs=[{"name": "y", "parameters": {"classification": 2}}]),
        "output y: parameters.classification is not supported by this server; ask for the scores",
    ),
    "a sequence": (_body(X, parameters={"sequence_id": 7}), "parameters.sequence_id is not supported"),
    "parameters as list": (_body(X, parameters=[]), "parameters must be an object"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_is_told_what_is_wrong(case: str) -> None:
    body, words = BAD_BODIES[case]

    with pytest.raises(BadRequest) as caught:
        Decoder(_schema(_spec("x", "FP32", None, 2)), LIMITS).decode(body)

    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


CARD = Card(
    features=(
        Feature(name="amount", datatype="FP32"),
        Feature(name="visits", datatype="INT64", missing_token=-1),
        Feature(name="region", datatype="BYTES", missing_token="unknown"),
        Feature(name="age", datatype="FP32", on_missing="Reject"),
    )
)
COLUMNS = (
    _spec("amount", "FP32", None, 1),
    _spec("visits", "INT64", None, 1),
    _spec("region", "BYTES", None, 1),
    _spec("age", "FP32", None, 1),
)
AGE = _tensor("age", "FP32", [2, 1], [30, 40])


def test_parameters_that_mean_nothing_here_are_let_pass() -> None:
    schema = _schema(_spec("x", "FP32", None, 2))
    known = {"priority": 1, "timeout": 5, "sequence_id": 0, "binary_data_output": False, "customer": "c-7"}
    wanted = [{"name": "y", "parameters": {"classification": 0, "binary_data": False}}]
    body = _body({**X, "parameters": {"content_type": "np"}}, parameters=known, outputs=wanted)
    found = Decoder(schema, LIMITS).decode(body)

    assert [[[1, 2], [3, 4]], None] == [found.columns[0].tolist(), found.form]


def test_null_is_what_the_card_says() -> None:
    nulls = [_tensor(spec.name, spec.kind.datatype, [2, 1], [None, None]) for spec in COLUMNS[:3]]
    amount, visits, region, _ = Decoder(_schema(*COLUMNS, card=CARD), LIMITS).decode(_body(*nulls, AGE)).columns

    assert np.isnan(amount).all()
    assert [[-1], [-1]] == visits.tolist()
    assert [["unknown"], ["unknown"]] == region.tolist()


def test_absent_inputs_are_what_the_card_says_and_are_named() -> None:
    found = Decoder(_schema(*COLUMNS, card=CARD), LIMITS).decode(_body(AGE, _tensor("other", "FP64", [9], [])))

    assert ("amount", "visits", "region") == found.absent
    assert 1 == found.undeclared
    assert [[-1], [-1]] == found.columns[1].tolist()
    assert [["unknown"], ["unknown"]] == found.columns[2].tolist()


def test_what_the_card_rejects_is_refused() -> None:
    decoder = Decoder(_schema(*COLUMNS, card=CARD), LIMITS)

    with pytest.raises(BadRequest, match=r"input age: data\[1\] is null, but this model requires"):
        decoder.decode(_body(_tensor("age", "FP32", [2, 1], [1, None])))
    with pytest.raises(BadRequest, match=r"input age is missing \(FP32, shape \[-1, 1\]\)"):
        decoder.decode(_body(_tensor("amount", "FP32", [2, 1], [1, 2])))


def test_without_a_card_null_is_nan_for_floats_alone_and_nothing_may_be_absent() -> None:
    decoder = Decoder(_schema(*COLUMNS), LIMITS)
    amount = _tensor("amount", "FP32", [2, 1], [None, 1])

    with pytest.raises(BadRequest, match="input visits is missing"):
        decoder.decode(_body(amount, AGE))
    with pytest.raises(BadRequest, match=r"input region: data\[0\] is null"):
        decoder.decode(_body(amount, AGE, _tensor("region", "BYTES", [2, 1], [None, "x"])))


def test_inputs_must_have_the_same_number_of_rows() -> None:
    decoder = Decoder(_schema(*COLUMNS, card=CARD), LIMITS)

    with pytest.raises(BadRequest, match="input age has 2 rows, input amount has 1; all must have the same"):
        decoder.decode(_body(AGE, _tensor("amount", "FP32", [1, 1], [1])))


def test_outputs_are_written_as_asked_for_and_in_that_order() -> None:
    schema = _schema(_spec("x", "FP32", None, 2))
    found = Decoder(schema, LIMITS).decode(_body(X, id="a-1", outputs=[{"name": "z"}, {"name": "y"}]))
    arrays = [np.array([[1.5]], dtype=np.float32), np.array(["t"], dtype=object)]
    encoder = Encoder(schema.outputs, name="m", version="3", parameters={"revision": "r"})
    answer = orjson.loads(encoder.encode(found.id or "", arrays, found.selection))

    assert ["m", "3", "a-1", {"revision": "r"}] == [
        answer[key] for key in ("model_name", "model_version", "id", "parameters")
    ]
    assert [("z", ["t"]), ("y", [1.5])] == [(output["name"], output["data"]) for output in answer["outputs"]]


def test_nan_is_written_as_null_and_an_infinity_is_an_error() -> None:
    specs = (_spec("a", "FP32", None), _spec("b", "BYTES", None))
    arrays = [np.array([np.nan, 1], dtype=np.float32), np.array(["", ""], dtype=object)]
    answer = orjson.loads(Encoder(specs, name="m", version="").encode("1", arrays, None))
    refuse_infinite(specs, arrays)

    assert [None, 1.0] == answer["outputs"][0]["data"]
    with pytest.raises(InferenceFailed, match="output a is infinite"):
        refuse_infinite(specs, [np.array([np.inf, 1], dtype=np.float32), arrays[1]])


def test_names_with_percent_signs_and_quotes_are_written_as_they_are() -> None:
    encoder = Encoder((_spec('%d"%', "INT64", None),), name="%s", version="%")
    answer = orjson.loads(encoder.encode('%i"', [np.array([1])], None))

    assert ["%s", "%", '%i"'] == [answer[key] for key in ("model_name", "model_version", "id")]
    assert '%d"%' == answer["outputs"][0]["name"]


@given(st.lists(st.floats(width=32, allow_infinity=False, allow_nan=False), min_size=1))
def test_an_answer_carries_every_bit_of_a_float(values: list[float]) -> None:
    array = np.array(values, dtype=np.float32)
    answer = orjson.loads(Encoder((_spec("a", "FP32", None),), name="m", version="").encode("1", [array], None))

    assert array.tobytes() == np.array(answer["outputs"][0]["data"], dtype=np.float32).tobytes()


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (Feature(name="x", datatype="FP64"), "x is FP64 in the card and FP32 in the model"),
        (Feature(name="n", datatype="INT64", missing_token="none"), "missing token of n is 'none', which is no INT64"),
    ],
)
def test_a_card_that_contradicts_the_model_is_refused(feature: Feature, words: str) -> None:
    with pytest.raises(ModelInvalid, match=words):
        _schema(_spec("x", "FP32", None, 2), _spec("n", "INT64", None, 1), card=Card(features=(feature,)))
