"""The folded ensemble as an ONNX graph of standard operators, computed in the precision in which its library computes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.calibration import Lines
from bankmodel.exporting.trees.drawing import Graph, add_rows, add_trees, labels_of, model_of
from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable, Scoring
from bankmodel.exporting.trees.scores import scores_of
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
    is_double, single = columns[0].number_type == "FP64", ensemble.scoring.single
    if is_double and single and ensemble.calibration and isinstance(ensemble.calibration.by, Lines):
        # Of doubles the sums come out a float32 beside XGBoost's, and on a steep piece that counts: 10 of 21,989 rows off
        raise NotFoldable(
            "isotonic calibration of XGBoost's float32 scores is exact with FP32 inputs alone", "take method='sigmoid'"
        )
    sums = add_trees(
        graph,
        nodes,
        add_rows(graph, columns, used, words=words, token=token, as_sent=single),
        places={column: place for place, column in enumerate(used)},
        leaves=ensemble.leaf,
        leaf_targets=ensemble.target,
        targets=ensemble.targets,
        dtype=np.float32 if single and not is_double else np.float64,
    )
    scores = scores_of(graph, ensemble, graph.as_single(sums) if single and is_double else sums)
    outputs = _classify(graph, ensemble.scoring, scores) if ensemble.scoring.classes else _regress(graph, scores)
    return model_of(graph, columns, outputs, name=name)


def _classify(graph: Graph, scoring: Scoring, scores: str) -> list[onnx.ValueInfoProto]:
    graph.as_single(scores, "probabilities")
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


def _regress(graph: Graph, scores: str) -> list[onnx.ValueInfoProto]:
    graph.as_single(scores, "prediction")
    return [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])]
