"""What graphs of exact models are put together from: standard operators, in the precision in which the libraries compute."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.unfold import Nodes

__all__ = ["Graph", "add_classes", "add_prediction", "add_rows", "add_trees", "model_of"]

# TreeEnsemble of ai.onnx.ml 5 is the first that gives sums in double; onnxruntime has it since 1.20.
_OPSETS = {"": 21, "ai.onnx.ml": 5}
_IR_VERSION = 10


class Graph:
    """Appends nodes and constants; no column can have their names, which begin with a slash that is no part of its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str = "", *, domain: str = "", **attributes: Any) -> str:
        """One more node; its output, under the given or a new name."""
        named = output or f"/{kind}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [named], domain=domain, **attributes))
        return named

    def constant(self, values: Any) -> str:
        """A constant's name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values), f"/constant/{len(self.constants)}"))
        return self.constants[-1].name

    def split(self, tensor: str, parts: int) -> list[str]:
        """The tensor's columns in equal parts."""
        named = [f"/Split/{len(self.nodes)}/{part}" for part in range(parts)]
        self.nodes.append(helper.make_node("Split", [tensor], named, axis=1, num_outputs=parts))
        return named

    def as_double(self, tensor: str) -> str:
        """The tensor in double precision."""
        return self.add("Cast", [tensor], to=TensorProto.DOUBLE)

    def as_single(self, tensor: str, output: str = "") -> str:
        """The tensor in FP32."""
        return self.add("Cast", [tensor], output, to=TensorProto.FLOAT)


def model_of(
    graph: Graph, columns: Sequence[Column], outputs: Sequence[onnx.ValueInfoProto], *, name: str
) -> onnx.ModelProto:
    """The file: one input for each column."""
    inputs = [helper.make_tensor_value_info(column.name, _kind(column), [None, 1]) for column in columns]
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    made = helper.make_graph(graph.nodes, name, inputs, outputs, graph.constants)
    return helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="bankmodel")


def add_rows(
    graph: Graph,
    columns: Sequence[Column],
    used: Sequence[int],
    *,
    words: Mapping[int, tuple[str, ...]],
    token: str,
    as_sent: bool = False,
) -> str:
    """The `used` columns side by side in double, or `as_sent`; text by its code among its `words`, the last of which is `token`."""
    numbers = [
        _codes(graph, columns[column], (*words[column], token)) if column in words else columns[column].name
        for column in used
    ]
    beside = graph.add("Concat", numbers, axis=1)
    return beside if as_sent or columns[0].number_type == "FP64" else graph.as_double(beside)


def add_trees(
    graph: Graph,
    nodes: Nodes,
    rows: str,
    *,
    places: Mapping[int, int],
    leaves: np.ndarray,
    leaf_targets: np.ndarray,
    targets: int,
    dtype: type = np.float64,
) -> str:
    """The trees' sums, a column for each target; `places` tells where in `rows`, which are of `dtype`, a column is."""
    asks = nodes.asks
    members = [member for ask in asks if ask.members for member in (*ask.members, np.nan)]
    more: dict[str, Any] = {"membership_values": _tensor(members, dtype)} if members else {}
    if any(ask.missing_true for ask in asks):
        more["nodes_missing_value_tracks_true"] = [int(ask.missing_true) for ask in asks]
    return graph.add(
        "TreeEnsemble",
        [rows],
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function=1,
        post_transform=0,
        tree_roots=nodes.roots,
        nodes_featureids=[places[ask.column] for ask in asks],
        nodes_modes=_tensor([ask.mode for ask in asks], np.uint8),
        nodes_splits=_tensor([ask.value for ask in asks], dtype),
        nodes_truenodeids=nodes.true,
        nodes_trueleafs=nodes.true_is_leaf,
        nodes_falsenodeids=nodes.false,
        nodes_falseleafs=nodes.false_is_leaf,
        leaf_targetids=leaf_targets.tolist(),
        leaf_weights=_tensor(leaves, dtype),
        **more,
    )


def add_classes(
    graph: Graph, classes: tuple[Any, ...], scores: str, *, compared: str, ties_to_last: bool = False
) -> list[onnx.ValueInfoProto]:
    """The outputs of a classifier: `label`, the class whose number in `compared` is the largest, and `probabilities`, the `scores`."""
    graph.as_single(scores, "probabilities")
    labels = _labels_of(classes)
    is_place = labels.dtype != object and (labels == np.arange(len(labels))).all()
    places: dict[str, Any] = {"axis": 1, "keepdims": 0, "select_last_index": int(ties_to_last)}
    best = graph.add("ArgMax", [compared], "label" if is_place else "", **places)
    if not is_place:
        graph.add("Gather", [graph.constant(labels), best], "label", axis=0)
    kind = TensorProto.STRING if labels.dtype == object else TensorProto.INT64
    return [
        helper.make_tensor_value_info("label", kind, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(labels)]),
    ]


def add_prediction(graph: Graph, scores: str) -> list[onnx.ValueInfoProto]:
    """The output of a regressor."""
    graph.as_single(scores, "prediction")
    return [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])]


def _labels_of(classes: tuple[Any, ...]) -> np.ndarray:
    """The classes as the file answers them: text or whole numbers."""
    if all(isinstance(each, str) for each in classes):
        return np.array(classes, object)
    if all(not isinstance(each, str) and float(each).is_integer() for each in classes):
        return np.array([int(each) for each in classes], np.int64)
    raise NotFoldable(f"its classes are neither text nor whole numbers ({classes[0]!r})", "encode them so")


def _kind(column: Column) -> int:
    if column.kind == "text":
        return int(TensorProto.STRING)
    return int(TensorProto.DOUBLE if column.number_type == "FP64" else TensorProto.FLOAT)


def _codes(graph: Graph, column: Column, words: tuple[str, ...]) -> str:
    """The words' numbers from 1, and 0 for any other (see words.py)."""
    codes = [float(place) for place in range(1, len(words) + 1)]
    more: dict[str, Any] = {"keys_strings": list(words), "values_floats": codes, "default_float": 0.0}
    coded = graph.add("LabelEncoder", [column.name], domain="ai.onnx.ml", **more)
    return graph.as_double(coded) if column.number_type == "FP64" else coded


def _tensor(values: Any, dtype: type) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), "")
