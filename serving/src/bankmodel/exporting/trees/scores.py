"""From the trees' sums to scores, by the operations and in the precision of the library that the trees come from."""

import numpy as np

from bankmodel.exporting.trees.calibration import Calibration, Lines, Sigmoids, Temperatures
from bankmodel.exporting.trees.drawing import Graph, add_trees
from bankmodel.exporting.trees.ensemble import Ensemble, Scoring
from bankmodel.exporting.trees.lines import pieces_of
from bankmodel.exporting.trees.unfold import Ask, Mode, Plan, unfolded

__all__ = ["add_lines", "scores_of"]

_ONE = np.ones(1, np.float32)
_NEVER_ZERO = 1e-12
"""What scikit-learn adds to a probability before its logarithm."""


def scores_of(graph: Graph, ensemble: Ensemble, sums: str) -> str:
    """[rows, classes] in double, whose rounding to FP32 is the last thing (deciding.py), or [rows, 1] of a regressor."""
    scoring = ensemble.scoring
    if ensemble.calibration is not None:
        return _calibrated(graph, scoring, ensemble.calibration, sums)
    if not scoring.classes:
        return _linked(graph, scoring, sums)
    if scoring.targets > 1:
        return _doubled(graph, scoring, _linked(graph, scoring, sums))
    if scoring.single:
        return graph.as_double(_both(graph, _linked(graph, scoring, sums)))
    return _of_two(graph, scoring, sums)


def _of_two(graph: Graph, scoring: Scoring, sums: str) -> str:
    """Both classes' scores from the second one's sum, with one operator less than by 1 - p: a third of a microsecond."""
    if scoring.link == "logistic":
        signs = np.array([-scoring.scale, scoring.scale])
        return graph.add("Sigmoid", [graph.add("Mul", [sums, graph.constant(signs)])])
    whole = float(scoring.divisor)
    apart = graph.add("Sub", [sums, graph.constant([whole, 0.0])])
    return graph.add("Div", [apart, graph.constant([-whole, whole])])


def _both(graph: Graph, second: str) -> str:
    """XGBoost's two classes: the first is what the second leaves of 1, in float32."""
    return graph.add("Concat", [graph.add("Sub", [graph.constant(_ONE), second]), second], axis=1)


def _linked(graph: Graph, scoring: Scoring, sums: str) -> str:
    """The score that the sums stand for."""
    if scoring.divisor != 1:
        return graph.add("Div", [sums, graph.constant([float(scoring.divisor)])])
    match scoring.link:
        case "logistic" if scoring.single:
            return _single_logistic(graph, sums)
        case "logistic":
            scaled = sums if scoring.scale == 1 else graph.add("Mul", [sums, graph.constant([scoring.scale])])
            return graph.add("Sigmoid", [scaled])
        case "softmax":
            return _single_softmax(graph, sums) if scoring.single else graph.add("Softmax", [sums], axis=-1)
        case "exp":
            return _single_exp(graph, sums) if scoring.single else graph.add("Exp", [sums])
        case "identity":
            return sums


def _single_logistic(graph: Graph, sums: str) -> str:
    """XGBoost's, bit by bit: onnxruntime's own Sigmoid of float32 is an approximation."""
    below = graph.add("Add", [_single_exp(graph, graph.add("Neg", [sums])), graph.constant(_ONE)])
    return graph.add("Div", [graph.constant(_ONE), below])


def _single_softmax(graph: Graph, sums: str) -> str:
    """XGBoost's, which adds up in double."""
    last = graph.constant([-1])
    shares = _single_exp(graph, graph.add("Sub", [sums, graph.add("ReduceMax", [sums, last])]))
    whole = graph.add("ReduceSum", [graph.as_double(shares), last])
    return graph.add("Div", [shares, graph.as_single(whole)])


def _single_exp(graph: Graph, values: str) -> str:
    """The C library's expf is the double one's result, rounded; onnxruntime's is an approximation."""
    return graph.as_single(graph.add("Exp", [graph.as_double(values)]))


def _calibrated(graph: Graph, scoring: Scoring, calibration: Calibration, sums: str) -> str:
    """The mean of the members' calibrated scores, each mapped as scikit-learn maps it."""
    read = sums if calibration.reads_sums else _of_each(graph, scoring, calibration.members, sums)
    match calibration.by:
        case Temperatures() as temperatures:
            scores = _softened(graph, scoring, calibration, temperatures, read)
        case Sigmoids() as sigmoids:
            bent = graph.add("Mul", [_doubled(graph, scoring, read), graph.constant(-sigmoids.slopes)])
            mapped = graph.add("Sigmoid", [graph.add("Sub", [bent, graph.constant(sigmoids.intercepts)])])
            scores = _normalised(graph, scoring, calibration.members, mapped)
        case Lines() as lines:
            mapped = _doubled(graph, scoring, add_lines(graph, lines, read, single=scoring.single))
            scores = _normalised(graph, scoring, calibration.members, mapped)
    return scores if calibration.members == 1 else _mean(graph, scores)


def _of_each(graph: Graph, scoring: Scoring, members: int, sums: str) -> str:
    """Each member's probabilities, side by side."""
    if scoring.link != "softmax":
        return _linked(graph, scoring, sums)
    apart = _linked(graph, scoring, _apart(graph, members, scoring.targets, sums))
    return apart if members == 1 else _shaped(graph, apart, [-1, members * scoring.targets])


def _softened(graph: Graph, scoring: Scoring, calibration: Calibration, temperatures: Temperatures, read: str) -> str:
    """Temperature scaling: the softmax of logits that were multiplied by a factor of their member."""
    is_of_two = scoring.targets == 1
    logits = _apart(graph, calibration.members, scoring.targets, read)
    factors = temperatures.factors.reshape((-1, 1) if calibration.members > 1 else (1,))
    if not calibration.reads_sums:
        logits = _logarithms(graph, scoring, _pair(graph, logits, single=scoring.single) if is_of_two else logits)
    elif is_of_two:
        factors = factors * np.array([-1.0, 1.0])
    multiplied = graph.add("Mul", [logits, graph.constant(factors)])
    return graph.add("Softmax", [multiplied], axis=-1)


def _logarithms(graph: Graph, scoring: Scoring, probabilities: str) -> str:
    least = graph.constant(np.array([_NEVER_ZERO], np.float32 if scoring.single else np.float64))
    return graph.add("Log", [_doubled(graph, scoring, graph.add("Add", [probabilities, least]))])


def add_lines(graph: Graph, lines: Lines, read: str, *, single: bool) -> str:
    """Isotonic calibration: trees find the piece of each column's line, which is then followed as numpy does."""
    pieces = pieces_of(lines)
    plans = [
        Plan((Ask(feature, Mode.AT_MOST, threshold),), (True, False))
        for feature, threshold in zip(pieces.feature.tolist(), pieces.threshold.tolist(), strict=True)
    ]
    found = add_trees(
        graph,
        unfolded(pieces, plans),
        read,
        places={column: column for column in range(len(lines.points))},
        leaves=pieces.leaf,
        leaf_targets=pieces.target,
        targets=pieces.targets,
        dtype=np.float32 if single else np.float64,
    )
    slope, start, height = graph.split(found, 3)
    rise = graph.add("Mul", [slope, graph.add("Sub", [read, start])])
    return graph.add("Add", [rise, height])


def _normalised(graph: Graph, scoring: Scoring, members: int, mapped: str) -> str:
    """Scores of all classes from those that were mapped: of two from the second; of more they are made to sum up to 1."""
    apart = _apart(graph, members, scoring.targets, mapped)
    if scoring.targets == 1:
        return _pair(graph, apart)
    whole = graph.add("ReduceSum", [apart, graph.constant([-1])], keepdims=1)
    shares = graph.add("Div", [apart, whole])
    is_nothing = graph.add("Equal", [whole, graph.constant([0.0])])
    return graph.add("Where", [is_nothing, graph.constant([1.0 / scoring.targets]), shares])


def _pair(graph: Graph, second: str, *, single: bool = False) -> str:
    dtype = np.float32 if single else np.float64
    signs, starts = (graph.constant(np.array(each, dtype)) for each in ([-1, 1], [1, 0]))
    return graph.add("Add", [graph.add("Mul", [second, signs]), starts])


def _apart(graph: Graph, members: int, columns: int, tensor: str) -> str:
    """[rows, members, columns]; one member needs no axis of its own."""
    return tensor if members == 1 else _shaped(graph, tensor, [-1, members, columns])


def _mean(graph: Graph, scores: str) -> str:
    return graph.add("ReduceMean", [scores, graph.constant([1])], keepdims=0)


def _shaped(graph: Graph, tensor: str, shape: list[int]) -> str:
    return graph.add("Reshape", [tensor, graph.constant(shape)])


def _doubled(graph: Graph, scoring: Scoring, tensor: str) -> str:
    return graph.as_double(tensor) if scoring.single else tensor
