"""Small ONNX models, each made for one thing a test wants to see. Used by the unit and end-to-end tests."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bankmodel_serving import card as cards
from bankmodel_serving.card import Card, Feature, Golden, Histogram, Score

ONNX_TYPES = {
    **{"BOOL": TensorProto.BOOL, "FP16": TensorProto.FLOAT16, "FP32": TensorProto.FLOAT, "FP64": TensorProto.DOUBLE},
    **{f"INT{bits}": getattr(TensorProto, f"INT{bits}") for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": getattr(TensorProto, f"UINT{bits}") for bits in (8, 16, 32, 64)},
    "BYTES": TensorProto.STRING,
}
Dims = Sequence[int | str | None]


@dataclass(frozen=True)
class ModelFile:
    """A model on disk and the digest it has."""

    path: Path
    sha256: str


def save(model: onnx.ModelProto, path: Path, card: Card | str | None = None) -> ModelFile:
    """Write the model, with a card (or any text in its place) if one is given."""
    if card is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = (cards.KEY, card if isinstance(card, str) else cards.write(card))
    path.write_bytes(model.SerializeToString())
    return ModelFile(path, hashlib.sha256(path.read_bytes()).hexdigest())


def passthrough(datatype: str, shape: Dims = ("n", 1)) -> onnx.ModelProto:
    """`y` is `x`, in any datatype."""
    kind = ONNX_TYPES[datatype]
    return _model([helper.make_node("Identity", ["x"], ["y"])], [("x", kind, shape)], [("y", kind, shape)])


def every_datatype() -> onnx.ModelProto:
    """Thirteen columns, one of each datatype: output `FP32_out` is input `FP32`, and so on."""
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in ONNX_TYPES]
    inputs = [(name, kind, ("n", 1)) for name, kind in ONNX_TYPES.items()]
    return _model(nodes, inputs, [(f"{name}_out", kind, shape) for name, kind, shape in inputs])


def dense(width: int = 4) -> onnx.ModelProto:
    """One FP32 matrix `X`: `label` is whether the row's sum is positive, `probabilities` are [1 - p, p]."""
    nodes = [
        helper.make_node("ReduceSum", ["X", "axis"], ["sum"], keepdims=1),
        helper.make_node("Sigmoid", ["sum"], ["p"]),
        helper.make_node("Sub", ["one", "p"], ["q"]),
        helper.make_node("Concat", ["q", "p"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    constants = {"axis": np.array([1], dtype=np.int64), "one": np.array([1], dtype=np.float32)}
    inputs = [("X", TensorProto.FLOAT, ("n", width))]
    outputs = [("label", TensorProto.INT64, ("n",)), ("probabilities", TensorProto.FLOAT, ("n", 2))]
    return _model(nodes, inputs, outputs, constants)


def mixed() -> onnx.ModelProto:
    """Named columns as a pipeline has them: `income` FP32, `visits` INT64, `region` text; `score` and `region_out`.

    score = income (0 where missing) + visits + 10 for north, 20 for south, 0 for any other region.
    """
    encode = helper.make_node(
        "LabelEncoder",
        ["region"],
        ["code"],
        domain="ai.onnx.ml",
        keys_strings=["north", "south"],
        values_floats=[10.0, 20.0],
        default_float=0.0,
    )
    nodes = [
        encode,
        helper.make_node("IsNaN", ["income"], ["is_missing"]),
        helper.make_node("Where", ["is_missing", "zero", "income"], ["known"]),
        helper.make_node("Cast", ["visits"], ["visits_f"], to=TensorProto.FLOAT),
        helper.make_node("Sum", ["known", "visits_f", "code"], ["score"]),
        helper.make_node("Identity", ["region"], ["region_out"]),
    ]
    column = ("n", 1)
    inputs = [
        ("income", TensorProto.FLOAT, column),
        ("visits", TensorProto.INT64, column),
        ("region", TensorProto.STRING, column),
    ]
    outputs = [("score", TensorProto.FLOAT, column), ("region_out", TensorProto.STRING, column)]
    return _model(nodes, inputs, outputs, {"zero": np.array([0], dtype=np.float32)})


def mixed_card(**overrides: Any) -> Card:
    """The card of `mixed`: income may be missing, visits has a token, region is required."""
    fields: dict[str, Any] = {
        "features": (
            Feature(name="income", datatype="FP32", baseline=Histogram(edges=(0.0, 10.0, 20.0), counts=(5, 5))),
            Feature(name="visits", datatype="INT64", missing_token=-1),
            Feature(
                name="region",
                datatype="BYTES",
                on_missing="Reject",
                baseline=Histogram(categories=("north", "south"), counts=(5, 5)),
            ),
        ),
        "score": Score(output="score", edges=(0.0, 10.0, 20.0, 40.0)),
        "golden": mixed_golden(),
    }
    return Card(**{**fields, **overrides})


def mixed_golden(second_score: float = 22.0) -> Golden:
    """Two rows with known answers, the first with a missing income."""
    return Golden(
        inputs={"income": (None, 1.0), "visits": (3, 1), "region": ("north", "south")},
        outputs={"score": (13.0, second_score), "region_out": ("north", "south")},
    )


def softmax_over_rows() -> onnx.ModelProto:
    """A model whose rows influence each other: `y` is the softmax of `x` over all rows of the batch."""
    shape = ("n", 1)
    node = helper.make_node("Softmax", ["x"], ["y"], axis=0)
    return _model([node], [("x", TensorProto.FLOAT, shape)], [("y", TensorProto.FLOAT, shape)])


def exponential() -> onnx.ModelProto:
    """`y` is exp(x): infinite for x above 89."""
    shape = ("n", 1)
    node = helper.make_node("Exp", ["x"], ["y"])
    return _model([node], [("x", TensorProto.FLOAT, shape)], [("y", TensorProto.FLOAT, shape)])


def gather() -> onnx.ModelProto:
    """`y` is the table's entry at `x`: the engine itself fails for an index outside of 0 to 2."""
    shape = ("n",)
    node = helper.make_node("Gather", ["table", "x"], ["y"])
    table = {"table": np.array([10, 20, 30], dtype=np.float32)}
    return _model([node], [("x", TensorProto.INT64, shape)], [("y", TensorProto.FLOAT, shape)], table)


def _model(
    nodes: list[onnx.NodeProto],
    inputs: Sequence[tuple[str, int, Dims]],
    outputs: Sequence[tuple[str, int, Dims]],
    constants: dict[str, Any] | None = None,
) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(*spec) for spec in (*inputs, *outputs)]
    initializers = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "tiny", values[: len(inputs)], values[len(inputs) :], initializers)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)
