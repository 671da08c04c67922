"""The folded ensemble as an ONNX graph of standard operators, computed in the precision in which its library computes."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.calibration import Lines
from bankmodel.exporting.trees.drawing import Graph, add_classes, add_prediction, add_rows, add_trees, model_of
from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable
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
    scoring = ensemble.scoring
    if scoring.classes:
        outputs = add_classes(graph, scoring.classes, scores, compared=scores, ties_to_last=scoring.ties_to_last)
    else:
        outputs = add_prediction(graph, scores)
    return model_of(graph, columns, outputs, name=name)
