"""Exponentials and logarithms whose last bit does not depend on where in a batch a row stands.

onnxruntime computes Exp, Log, Tanh and Softmax of doubles two at a time and what is left over by another function: a row of an
odd number of them gets other bits alone than among others. Pow and ReduceLogSum compute each by itself.
"""

import math

import numpy as np

from bankmodel.exporting.trees.drawing import Graph

__all__ = ["add_exp", "add_log", "add_logistic", "add_softmax"]


def add_exp(graph: Graph, rows: str) -> str:
    """e to the power of each."""
    return graph.add("Pow", [graph.constant(np.array([math.e])), rows])


def add_log(graph: Graph, rows: str) -> str:
    """The natural logarithm of each."""
    last = graph.constant(np.array([2]))
    return graph.add("ReduceLogSum", [graph.add("Unsqueeze", [rows, last]), last], keepdims=0)


def add_logistic(graph: Graph, rows: str) -> str:
    """1 / (1 + e ** -x) of each."""
    one = graph.constant(np.array([1.0]))
    falling = graph.add("Pow", [graph.constant(np.array([1 / math.e])), rows])
    return graph.add("Div", [one, graph.add("Add", [falling, one])])


def add_softmax(graph: Graph, rows: str, width: int) -> str:
    """Each one's share of the exponentials of its row, of `width`; two are computed alike wherever they stand."""
    if width == 2:
        return graph.add("Softmax", [rows], axis=1)
    largest = graph.add("ReduceMax", [rows, graph.constant(np.array([1]))])
    raised = add_exp(graph, graph.add("Sub", [rows, largest]))
    return graph.add("Div", [raised, graph.add("MatMul", [raised, graph.constant(np.ones((width, width)))])])
