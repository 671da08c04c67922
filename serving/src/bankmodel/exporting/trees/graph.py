"""The folded ensemble as an ONNX graph of standard operators, computed in double precision as the libraries do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.drawing import Graph, add_rows, add_trees, labels_of, model_of
from bankmodel.exporting.trees.ensemble import Ensemble, Scoring
from bankmodel.exporting.trees.unfold import Nodes

__all__ = ["graph_of"]


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
    graph = Graph()
    used = sorted({ask.column for ask in nodes.asks})
    rows = add_rows(graph, columns, used, words=words, token=token)
    sums = add_trees(
        graph,
        nodes,
        rows,
        places={column: place for place, column in enumerate(used)},
        leaves=ensemble.leaf,
        leaf_targets=ensemble.target,
        targets=ensemble.scoring.targets,
    )
    outputs = _classify(graph, ensemble.scoring, sums) if ensemble.scoring.classes else _regress(graph, ensemble, sums)
    return model_of(graph, columns, outputs, name=name)


def _classify(graph: Graph, scoring: Scoring, sums: str) -> list[onnx.ValueInfoProto]:
    scores = _of_two(graph, scoring, sums) if scoring.targets == 1 else _linked(graph, scoring, sums)
    graph.add("Cast", [scores], "probabilities", to=TensorProto.FLOAT)
    labels = labels_of(scoring.classes)
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


def _of_two(graph: Graph, scoring: Scoring, sums: str) -> str:
    """Both classes' scores from the second one's sum, with one operator less than by 1 - p: a third of a microsecond."""
    if scoring.link == "logistic":
        return graph.add("Sigmoid", [graph.add("Mul", [sums, graph.constant(np.array([-1.0, 1.0]))])])
    whole = float(scoring.divisor)
    apart = graph.add("Sub", [sums, graph.constant(np.array([whole, 0.0]))])
    return graph.add("Div", [apart, graph.constant(np.array([-whole, whole]))])


def _regress(graph: Graph, ensemble: Ensemble, sums: str) -> list[onnx.ValueInfoProto]:
    graph.add("Cast", [_linked(graph, ensemble.scoring, sums)], "prediction", to=TensorProto.FLOAT)
    return [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])]


def _linked(graph: Graph, scoring: Scoring, sums: str) -> str:
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
