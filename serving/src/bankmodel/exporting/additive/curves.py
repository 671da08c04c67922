"""Curves as nodes of ONNX: those of the same operations side by side, each with its own values."""

from collections.abc import Callable, Sequence

import numpy as np

from bankmodel.exporting.additive.exponentials import add_exp, add_log, add_logistic
from bankmodel.exporting.additive.features import Curve, Kind
from bankmodel.exporting.additive.sums import Sums
from bankmodel.exporting.trees.drawing import Graph

__all__ = ["add_curves"]


def add_curves(graph: Graph, sums: Sums, rows: str, places: dict[int, int]) -> tuple[str, np.ndarray]:
    """Numbers [rows, n], a missing one filled first, and what each of them weighs in each sum [sums, n]."""
    numbers = _filled(graph, sums, rows, places)
    if not any(curve.operations for curve in sums.curves):  # without a weight is cheaper than picked out
        weights = np.zeros((len(sums.constants), len(places)))
        weights[:, [places[curve.column] for curve in sums.curves]] = sums.weights
        return numbers, weights
    alike: dict[tuple[Kind, ...], list[int]] = {}
    for number, curve in enumerate(sums.curves):
        alike.setdefault(tuple(each.kind for each in curve.operations), []).append(number)
    blocks = []
    for kinds, members in alike.items():
        curves = [sums.curves[number] for number in members]
        block = _picked(graph, numbers, [places[curve.column] for curve in curves], len(places))
        for place, kind in enumerate(kinds):
            block = _operated(graph, kind, block, _values(curves, place))
        blocks.append(block)
    joined = blocks[0] if len(blocks) == 1 else graph.add("Concat", blocks, axis=1)
    return joined, sums.weights[:, [number for members in alike.values() for number in members]]


def _filled(graph: Graph, sums: Sums, rows: str, places: dict[int, int]) -> str:
    """No number may be missing that is multiplied, be it by zero, unless the pipeline refuses it."""
    others = {level.column for level in sums.levels if level.words is None} - {curve.column for curve in sums.curves}
    fillings = dict.fromkeys(others, 0.0) | sums.filled
    if not fillings:
        return rows
    filled = np.array([fillings.get(column, np.nan) for column in places], np.float64)
    return graph.add("Where", [graph.add("IsNaN", [rows]), graph.constant(filled), rows])


def _picked(graph: Graph, rows: str, places: list[int], width: int) -> str:
    """These columns of `rows`, which has `width` of them."""
    if places == list(range(width)):
        return rows
    return graph.add("Gather", [rows, graph.constant(np.array(places, np.int64))], axis=1)


def _values(curves: Sequence[Curve], place: int) -> np.ndarray:
    return np.array([curve.operations[place].values for curve in curves], np.float64).T


def _operated(graph: Graph, kind: Kind, rows: str, values: np.ndarray) -> str:
    match kind:
        case Kind.AFFINE:
            return _affine(graph, rows, *values)
        case Kind.CLIP:
            return _clipped(graph, rows, *values)
        case Kind.POWER:
            return _power(graph, rows, values[0])
        case Kind.YEO_JOHNSON:
            return _yeo_johnson(graph, rows, values[0])
        case _:
            return _PLAIN[kind](graph, rows)


def _affine(graph: Graph, rows: str, factors: np.ndarray, shifts: np.ndarray) -> str:
    if (factors != 1).any():
        rows = graph.add("Mul", [rows, graph.constant(factors)])
    return graph.add("Add", [rows, graph.constant(shifts)]) if shifts.any() else rows


def _clipped(graph: Graph, rows: str, low: np.ndarray, high: np.ndarray) -> str:
    if np.isfinite(low).any():
        rows = graph.add("Max", [rows, graph.constant(low)])
    return graph.add("Min", [rows, graph.constant(high)]) if np.isfinite(high).any() else rows


def _power(graph: Graph, rows: str, powers: np.ndarray) -> str:
    if len(set(powers.tolist())) == 1 and powers[0] in (2, 3):  # three times as fast as Pow, and as exact
        square = graph.add("Mul", [rows, rows])
        return square if powers[0] == 2 else graph.add("Mul", [square, rows])
    return graph.add("Pow", [rows, graph.constant(powers)])


def _yeo_johnson(graph: Graph, rows: str, powers: np.ndarray) -> str:
    """sign * ((1 + |x|) ** p - 1) / p, where p is the power, or for negative numbers two less it."""
    is_negative = graph.add("Less", [rows, graph.constant(np.array([0.0]))])
    power = graph.add("Where", [is_negative, graph.constant(2 - powers), graph.constant(powers)])
    one = graph.constant(np.array([1.0]))
    raised = graph.add("Pow", [graph.add("Add", [graph.add("Abs", [rows]), one]), power])
    grown = graph.add("Div", [graph.add("Sub", [raised, one]), power])
    return graph.add("Mul", [grown, graph.add("Sign", [rows])])


def _root(graph: Graph, rows: str) -> str:
    return graph.add("Sqrt", [rows])


def _tanh(graph: Graph, rows: str) -> str:
    """2 / (1 + e ** -2x) - 1."""
    return _affine(graph, add_logistic(graph, _affine(graph, rows, *_TWICE)), *_BOTH_SIGNS)


_TWICE = np.array([2.0]), np.array([0.0])
_BOTH_SIGNS = np.array([2.0]), np.array([-1.0])
_PLAIN: dict[Kind, Callable[[Graph, str], str]] = {
    Kind.LOG: add_log,
    Kind.EXP: add_exp,
    Kind.SQRT: _root,
    Kind.TANH: _tanh,
}
