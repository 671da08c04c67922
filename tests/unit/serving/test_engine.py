"""The engine and what stands on it: prepared batches, batch-invariance, golden vectors, the digest."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bankmodel_serving.bound import BoundBatch, FedBatch
from bankmodel_serving.card import Card, Golden
from bankmodel_serving.codec import DecodeLimits, Decoder
from bankmodel_serving.digest import check_digest
from bankmodel_serving.engine import Engine, probe_rows
from bankmodel_serving.errors import DigestMismatch, InferenceFailed, ModelInvalid
from bankmodel_serving.golden import golden_mismatch
from bankmodel_serving.grouping import columns_of, matrices_of, pieces_of
from bankmodel_serving.invariance import is_batch_invariant
from bankmodel_serving.loading import load
from bankmodel_serving.tensors import Array, TensorSpec, schema_of
from support import tiny_models

LIMITS = DecodeLimits()


def _engine(model: onnx.ModelProto, folder: Path) -> Engine:
    return Engine.load(str(tiny_models.save(model, folder / "model.onnx").path))


def _columns(engine: Engine, rows: int) -> list[Array]:
    random = np.random.default_rng(rows)
    return [_column(spec, random, (rows, *(spec.row_shape or ()))) for spec in engine.inputs]


def _column(spec: TensorSpec, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    if spec.kind.family == "string":
        return random.choice(np.array(["north", "south", ""], object), size=shape)
    return (random.normal(size=shape) * 9).astype(spec.kind.dtype)


def _bits(array: Array) -> object:
    return array.tolist() if array.dtype == object else (array.shape, array.tobytes())


@pytest.mark.parametrize("model", [tiny_models.dense(), tiny_models.mixed()], ids=["bound", "fed"])
def test_prepared_batches_answer_like_a_plain_run_whatever_their_size(model: onnx.ModelProto, tmp_path: Path) -> None:
    engine = _engine(model, tmp_path)
    prepared, groups = engine.prepared(64), engine.groups
    assert prepared is not None
    assert groups is not None

    for sizes in ([1], [1, 2, 3], [64], [1] * 64, [2], [1]):
        parts = [_columns(engine, size) for size in sizes]
        joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        matrices = matrices_of(groups, [pieces_of(groups, part) for part in parts], sum(sizes))
        expected = [_bits(array) for array in engine.run(joined)]

        assert [_bits(array) for array in columns_of(groups, matrices, sum(sizes))] == [_bits(each) for each in joined]
        assert expected == [_bits(array) for array in prepared.run(matrices, sum(sizes))]


PREPARED = {
    "floats": (tiny_models.dense(), BoundBatch),
    "strings can't be bound": (tiny_models.mixed(), FedBatch),
    "no row dimension": (tiny_models.passthrough("FP32", (1, 3)), type(None)),
}


@pytest.mark.parametrize(("model", "expected"), PREPARED.values(), ids=PREPARED)
def test_what_can_be_bound_is_bound(model: onnx.ModelProto, expected: type, tmp_path: Path) -> None:
    assert expected is type(_engine(model, tmp_path).prepared(8))


@pytest.mark.parametrize("datatype", tiny_models.ONNX_TYPES)
def test_every_datatype_passes_through(datatype: str, tmp_path: Path) -> None:
    engine = _engine(tiny_models.passthrough(datatype), tmp_path)
    columns = probe_rows(engine.inputs, 3)

    assert datatype == engine.inputs[0].kind.datatype
    assert columns[0].tolist() == engine.run(columns)[0].tolist()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (tiny_models.dense(), True),
        (tiny_models.mixed(), True),
        (tiny_models.softmax_over_rows(), False),
        (tiny_models.passthrough("FP32", (1, 3)), False),
        (tiny_models.gather(), False),
    ],
    ids=["rows alone", "mixed columns", "rows influence each other", "no row dimension", "fails on invented rows"],
)
def test_only_models_whose_rows_stand_alone_coalesce(model: onnx.ModelProto, expected: bool, tmp_path: Path) -> None:
    engine = _engine(model, tmp_path)
    schema = schema_of(engine.inputs, engine.outputs, None)

    assert expected == is_batch_invariant(schema, engine.run)


def test_a_model_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(InferenceFailed, match="the model failed on these inputs"):
        _engine(tiny_models.gather(), tmp_path).run([np.array([99])])


def _zipmap() -> onnx.ModelProto:
    node = helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    maps = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    output = helper.make_value_info("y", helper.make_sequence_type_proto(maps))
    floats = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph([node], "g", [floats], [output])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def test_an_output_that_is_no_tensor_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match=r"y is seq.*zipmap=False"):
        _engine(_zipmap(), tmp_path)


def test_weights_in_a_second_file_are_refused(tmp_path: Path) -> None:
    onnx.save(
        tiny_models.dense(),
        tmp_path / "model.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
        convert_attribute=True,
    )

    with pytest.raises(ModelInvalid, match="keeps weights in another file, which its sha256 does not cover"):
        Engine.load(str(tmp_path / "model.onnx"))


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x09" * 50], ids=["empty", "text", "noise"])
def test_what_is_not_onnx_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelInvalid, match="can't be loaded as an ONNX model"):
        Engine.load(str(path))


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    check_digest(str(model.path), model.sha256)

    with pytest.raises(DigestMismatch, match=f"has sha256 {model.sha256}, the spec asks for 000"):
        check_digest(str(model.path), "0" * 64)
    with pytest.raises(ModelInvalid, match="No such file"):
        check_digest(str(tmp_path / "other.onnx"), model.sha256)


GOLDEN = tiny_models.mixed_golden()
MISMATCHES = {
    "a float": (
        tiny_models.mixed_golden(23.0),
        "output score differs at 1 of 2 values, first at 1: expected 23.0, got 22.0",
    ),
    "a text": (Golden(inputs=GOLDEN.inputs, outputs={"region_out": ("north", "x")}), "expected x, got south"),
    "a count": (Golden(inputs=GOLDEN.inputs, outputs={"score": (1.0,)}), "has 2 values, the card has 1"),
    "a datatype": (
        Golden(inputs=GOLDEN.inputs, outputs={"score": ("high", "low")}),
        "the card's values for output score are none of its datatype",
    ),
    "an output": (Golden(inputs=GOLDEN.inputs, outputs={"q": (1.0,)}), "output q, which the model does not have"),
    "an input": (Golden(inputs={"region": (5,)}, outputs={}), "golden vectors can't be scored: input region"),
}


@pytest.mark.parametrize("case", [None, *MISMATCHES])
def test_golden_vectors_are_met_or_the_first_difference_is_told(case: str | None, tmp_path: Path) -> None:
    golden, words = MISMATCHES[case] if case else (GOLDEN, None)
    engine = _engine(tiny_models.mixed(), tmp_path)
    schema = schema_of(engine.inputs, engine.outputs, tiny_models.mixed_card())
    problem = golden_mismatch(golden, schema, Decoder(schema, LIMITS), engine.run)

    assert (words is None and problem is None) or (problem is not None and words is not None and words in problem)


def test_golden_vectors_hold_within_the_cards_own_tolerance(tmp_path: Path) -> None:
    engine = _engine(tiny_models.mixed(), tmp_path)
    schema = schema_of(engine.inputs, engine.outputs, tiny_models.mixed_card())
    near = {"score": (13.0, 22.05)}
    loose = Golden(inputs=GOLDEN.inputs, outputs=near, rtol=0.0, atol=0.1)
    tight = Golden(inputs=GOLDEN.inputs, outputs=near, rtol=0.0, atol=0.01)

    assert golden_mismatch(loose, schema, Decoder(schema, LIMITS), engine.run) is None
    assert golden_mismatch(tight, schema, Decoder(schema, LIMITS), engine.run) is not None


def test_a_model_with_its_card_is_loaded_whole(tmp_path: Path) -> None:
    card = tiny_models.mixed_card()
    model = tiny_models.save(tiny_models.mixed(), tmp_path / "model.onnx", card)
    loaded = load(str(model.path), model.sha256, LIMITS)

    assert card == loaded.card
    assert (True, None) == (loaded.coalesces, loaded.golden_problem)


def test_the_limits_of_callers_do_not_bind_golden_vectors(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.mixed(), tmp_path / "model.onnx", tiny_models.mixed_card())

    assert load(str(model.path), model.sha256, DecodeLimits(max_rows=1)).golden_problem is None


def test_a_matrix_has_golden_vectors_too(tmp_path: Path) -> None:
    golden = Golden(
        inputs={"X": ((0.0, 0.0, 0.0, 0.0), (None, 0.0, 0.0, 0.0))},
        outputs={"probabilities": ((0.5, 0.5), (None, None)), "label": (0, 0)},
    )
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx", Card(golden=golden))

    assert load(str(model.path), model.sha256, LIMITS).golden_problem is None
