"""The folded ensemble as an ONNX graph of standard operators, computed in double precision as the libraries do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable, Scoring
from bankmodel.exporting.trees.unfold import Nodes

__all__ = ["graph_of"]

# TreeEnsemble of ai.onnx.ml 5 is the first that gives sums in double; onnxruntime has it since 1.20.
_OPSETS = {"": 21, "ai.onnx.ml": 5}
_IR_VERSION = 10


def graph_of(
    ensemble: Ensemble,
    nodes: Nodes,
    columns: Sequence[Column],
    *,
    words: Mapping[int, tuple[str, ...]],
    token: str,
    name: str,
) -> onnx.ModelProto:
    """One input for each column, outputs `label` and `probabilities` or `prediction`, as the standard conversion has.

    `words` are those that each text column knows, `token` stands for a missing one.
    """
    graph = _Graph()
    used = sorted({ask.column for ask in nodes.asks})
    numbers = [
        _codes(graph, columns[column], (*words[column], token)) if column in words else columns[column].name
        for column in used
    ]
    if columns[0].number_type == "FP64":
        doubles = graph.add("Concat", numbers, axis=1)
    else:
        doubles = graph.add("Cast", [graph.add("Concat", numbers, axis=1)], to=TensorProto.DOUBLE)
    sums = _trees(graph, ensemble, nodes, doubles, {column: place for place, column in enumerate(used)})
    outputs = _classify(graph, ensemble.scoring, sums) if ensemble.scoring.classes else _regress(graph, ensemble, sums)
    inputs = [helper.make_tensor_value_info(column.name, _kind(column), [None, 1]) for column in columns]
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    made = helper.make_graph(graph.nodes, name, inputs, outputs, graph.constants)
    return helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="bankmodel")


class _Graph:
    """Appends nodes and constants; no column can have their names, which begin with a slash that is no part of its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str = "", *, domain: str = "", **attributes: Any) -> str:
        """One more node; its output, under the given or a new name."""
        named = output or f"/{kind}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [named], domain=domain, **attributes))
        return named

    def constant(self, values: np.ndarray) -> str:
        """A constant's name."""
        self.constants.append(numpy_helper.from_array(values, f"/constant/{len(self.constants)}"))
        return self.constants[-1].name


def _kind(column: Column) -> int:
    if column.kind == "text":
        return int(TensorProto.STRING)
    return int(TensorProto.DOUBLE if column.number_type == "FP64" else TensorProto.FLOAT)


def _codes(graph: _Graph, column: Column, words: tuple[str, ...]) -> str:
    """The words' numbers from 1, and 0 for any other (see words.py)."""
    codes = [float(place) for place in range(1, len(words) + 1)]
    more: dict[str, Any] = {"keys_strings": list(words), "values_floats": codes, "default_float": 0.0}
    coded = graph.add("LabelEncoder", [column.name], domain="ai.onnx.ml", **more)
    return graph.add("Cast", [coded], to=TensorProto.DOUBLE) if column.number_type == "FP64" else coded


def _trees(graph: _Graph, ensemble: Ensemble, nodes: Nodes, rows: str, places: dict[int, int]) -> str:
    asks = nodes.asks
    members = [member for ask in asks if ask.members for member in (*ask.members, np.nan)]
    more: dict[str, Any] = {"membership_values": _tensor(members)} if members else {}
    if any(ask.missing_true for ask in asks):
        more["nodes_missing_value_tracks_true"] = [int(ask.missing_true) for ask in asks]
    return graph.add(
        "TreeEnsemble",
        [rows],
        domain="ai.onnx.ml",
        n_targets=ensemble.scoring.targets,
        aggregate_function=1,
        post_transform=0,
        tree_roots=nodes.roots,
        nodes_featureids=[places[ask.column] for ask in asks],
        nodes_modes=_tensor([ask.mode for ask in asks], np.uint8),
        nodes_splits=_tensor([ask.value for ask in asks]),
        nodes_truenodeids=nodes.true,
        nodes_trueleafs=nodes.true_is_leaf,
        nodes_falsenodeids=nodes.false,
        nodes_falseleafs=nodes.false_is_leaf,
        leaf_targetids=ensemble.target.tolist(),
        leaf_weights=_tensor(ensemble.leaf),
        **more,
    )


def _tensor(values: Any, dtype: type = np.float64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), "")


def _classify(graph: _Graph, scoring: Scoring, sums: str) -> list[onnx.ValueInfoProto]:
    scores = _of_two(graph, scoring, sums) if scoring.targets == 1 else _linked(graph, scoring, sums)
    graph.add("Cast", [scores], "probabilities", to=TensorProto.FLOAT)
    labels = _labels(scoring.classes)
    is_place = labels.dtype != object and (labels == np.arange(len(labels))).all()
    places: dict[str, Any] = {"axis": 1, "keepdims": 0, "select_last_index": int(scoring.ties_to_last)}
    best = graph.add("ArgMax", [scores], "label" if is_place else "", **places)
    if not is_place:
        graph.add("Gather", [graph.constant(labels), best], "label", axis=0)
    kind = TensorProto.STRING if labels.dtype == object else TensorProto.INT64
    return [
        helper.make_tensor_value_info("label", kind, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(labels)]),
    ]


def _of_two(graph: _Graph, scoring: Scoring, sums: str) -> str:
    """Both classes' scores from the second one's sum, with one operator less than by 1 - p: a third of a microsecond."""
    if scoring.link == "logistic":
        return graph.add("Sigmoid", [graph.add("Mul", [sums, graph.constant(np.array([-1.0, 1.0]))])])
    whole = float(scoring.divisor)
    apart = graph.add("Sub", [sums, graph.constant(np.array([whole, 0.0]))])
    return graph.add("Div", [apart, graph.constant(np.array([-whole, whole]))])


def _regress(graph: _Graph, ensemble: Ensemble, sums: str) -> list[onnx.ValueInfoProto]:
    graph.add("Cast", [_linked(graph, ensemble.scoring, sums)], "prediction", to=TensorProto.FLOAT)
    return [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])]


def _linked(graph: _Graph, scoring: Scoring, sums: str) -> str:
    """The score that the sums stand for."""
    if scoring.divisor != 1:
        return graph.add("Div", [sums, graph.constant(np.array([float(scoring.divisor)]))])
    match scoring.link:
        case "logistic":
            return graph.add("Sigmoid", [sums])
        case "softmax":
            return graph.add("Softmax", [sums], axis=1)
        case "exp":
            return graph.add("Exp", [sums])
        case "identity":
            return sums


def _labels(classes: tuple[Any, ...]) -> np.ndarray:
    if all(isinstance(each, str) for each in classes):
        return np.array(classes, object)
    if all(not isinstance(each, str) and float(each).is_integer() for each in classes):
        return np.array([int(each) for each in classes], np.int64)
    raise NotFoldable(f"its classes are neither text nor whole numbers ({classes[0]!r})")
