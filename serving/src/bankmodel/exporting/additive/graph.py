"""A linear model's sums as an ONNX graph, computed in double from the caller's numbers to the score.

Of two classes the second one's sum stands beside a zero, and softmax makes both probabilities: onnxruntime's logistic loses
all digits of small ones (from 1e-9 down). A Gemm of constant coefficients adds up each row alike in any batch (ADR 23).
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from bankmodel.exporting.additive.curves import add_curves
from bankmodel.exporting.additive.exponentials import add_exp, add_logistic, add_softmax
from bankmodel.exporting.additive.model import Linear, Link
from bankmodel.exporting.additive.search_trees import search_trees
from bankmodel.exporting.additive.sums import Sums
from bankmodel.exporting.schema import Column
from bankmodel.exporting.scorecards import POINTS
from bankmodel.exporting.trees.drawing import Graph, add_classes, add_prediction, add_rows, add_trees, model_of
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.scores import add_lines

__all__ = ["graph_of"]


def graph_of(
    model: Linear, sums: Sums, columns: Sequence[Column], *, points: Sums | None, token: str, name: str
) -> onnx.ModelProto:
    """One input for each column, outputs `label` and `probabilities` or `prediction`, as the standard conversion has.

    A scorecard has its points beside them.
    """
    graph = Graph()
    all_sums = [sums] if points is None else [sums, points]
    used = sorted({curve.column for each in all_sums for curve in each.curves} | _with_levels(all_sums))
    if not sums.curves and not sums.levels:
        raise NotFoldable("its score depends on no column")
    words = {column: known for each in all_sums for column, known in each.words.items()}
    rows = add_rows(graph, columns, used, words=words, token=token)
    places = {column: place for place, column in enumerate(used)}
    added = _add_sums(graph, sums, rows, places)
    outputs = _outputs(graph, model, added)
    if points is not None:
        graph.as_single(_add_sums(graph, points, rows, places), POINTS)
        outputs.append(helper.make_tensor_value_info(POINTS, TensorProto.FLOAT, [None, 1]))
    return model_of(graph, columns, outputs, name=name)


def _with_levels(all_sums: Sequence[Sums]) -> set[int]:
    return {level.column for sums in all_sums for level in sums.levels}


def _add_sums(graph: Graph, sums: Sums, rows: str, places: dict[int, int]) -> str:
    """[rows, sums]."""
    beside = _add_levels(graph, sums, rows, places) if sums.levels else graph.constant(sums.constants)
    if not sums.curves:
        return beside
    curves, weights = add_curves(graph, sums, rows, places)
    return graph.add("Gemm", [curves, graph.constant(weights.T.copy()), beside])


def _add_levels(graph: Graph, sums: Sums, rows: str, places: dict[int, int]) -> str:
    count = len(sums.constants)
    trees = search_trees(sums.levels, count)
    leaves, targets = np.array(trees.leaves), np.array(trees.targets)
    return add_trees(graph, trees.nodes, rows, places=places, leaves=leaves, leaf_targets=targets, targets=count)


def _outputs(graph: Graph, model: Linear, sums: str) -> list[onnx.ValueInfoProto]:
    if not model.classes:
        return add_prediction(graph, add_exp(graph, sums) if model.link is Link.EXP else sums)
    scores, compared = _probabilities(graph, model, sums)
    return add_classes(graph, model.classes, scores, compared=compared)


def _probabilities(graph: Graph, model: Linear, sums: str) -> tuple[str, str]:
    """Every class's probability, and what the label is the largest of: the first of equal ones, as in scikit-learn."""
    if model.link is Link.SOFTMAX:
        return add_softmax(graph, sums, len(model.classes)), sums
    if model.link is Link.ONE_AGAINST_REST:
        return _shared(graph, add_logistic(graph, sums), members=1, classes=len(model.classes)), sums
    mapped = add_logistic(graph, sums) if model.lines is None else add_lines(graph, model.lines, sums, single=False)
    members = len(model.coefficients) // _sums_of_member(model)
    if len(model.classes) > 2:
        shared = _shared(graph, mapped, members=members, classes=len(model.classes))
        mean = np.tile(np.eye(len(model.classes)), (members, 1)) / members
        both = graph.add("MatMul", [shared, graph.constant(mean)])
    else:
        means = np.full((members, 1), 1 / members) * [-1.0, 1.0]
        both = graph.add("Gemm", [mapped, graph.constant(means), graph.constant(np.array([1.0, 0.0]))])
    return both, both


def _sums_of_member(model: Linear) -> int:
    return 1 if len(model.classes) == 2 else len(model.classes)


def _shared(graph: Graph, mapped: str, *, members: int, classes: int) -> str:
    """Each member's numbers, divided by all of its own; where all are zero, every class has the same share."""
    beside = np.kron(np.eye(members), np.ones((classes, classes)))
    total = graph.add("MatMul", [mapped, graph.constant(beside)])
    is_nothing = graph.add("Equal", [total, graph.constant(np.array([0.0]))])
    return graph.add("Where", [is_nothing, graph.constant(np.array([1 / classes])), graph.add("Div", [mapped, total])])
