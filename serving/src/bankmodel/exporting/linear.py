"""Linear models written so that a row's score is the same, to the bit, alone and in any batch. Called by convert.py.

onnxruntime multiplies a LinearClassifier's rows by coefficients it has not packed, and takes a shorter way for one row than
for many: 1e-7 apart, enough for the scoring container to refuse to score requests together. A Gemm's constant coefficients
are packed at load, and packed ones are multiplied row by row in one order, however many rows there are (ADR 17).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["let_rows_stand_alone"]

_POST_TRANSFORMS = (b"NONE", b"LOGISTIC", b"SOFTMAX")


def let_rows_stand_alone(model: onnx.ModelProto) -> None:
    """Replace the linear models in `model` that have an equal form; any other node stays as it is."""
    nodes = list(model.graph.node)
    graph = _Graph(model)
    del model.graph.node[:]
    for node in nodes:
        match (node.domain, node.op_type):
            case ("ai.onnx.ml", "LinearClassifier") if _is_plain_classifier(found := _attributes(node)):
                _classify(graph, node, found)
            case ("ai.onnx.ml", "LinearRegressor") if _is_plain_regressor(found := _attributes(node)):
                _scores(graph, node.input[0], found, output=node.output[0])
            case _:
                graph.keep(node)


class _Graph:
    """Appends nodes and constants under names that no tensor of the model has; equal models get equal names."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._read = {name for node in model.graph.node for name in node.input} | {
            put.name for put in model.graph.output
        }
        self._taken = set(_tensor_names(model.graph))

    def reads(self, tensor: str) -> bool:
        """Whether anything uses it: calibration, for one, takes the scores alone."""
        return tensor in self._read

    def keep(self, node: onnx.NodeProto) -> None:
        self._graph.node.append(node)

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """One more node; its output, under the given or a new name."""
        named = output or self._new_name(kind)
        self.keep(helper.make_node(kind, inputs, [named], **attributes))
        return named

    def constant(self, kind: str, values: np.ndarray) -> str:
        name = self._new_name(kind)
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def _new_name(self, kind: str) -> str:
        count = 0
        while (name := f"linear_{kind}_{count}") in self._taken:
            count += 1
        self._taken.add(name)
        return name


def _classify(graph: _Graph, node: onnx.NodeProto, found: dict[str, Any]) -> None:
    label, probabilities = node.output
    transform = found.get("post_transform", b"NONE")
    scores = _scores(graph, node.input[0], found, output=probabilities if transform == b"NONE" else None)
    if transform == b"LOGISTIC":
        graph.add("Sigmoid", [scores], probabilities)
    elif transform == b"SOFTMAX":
        graph.add("Softmax", [scores], probabilities, axis=1)
    if graph.reads(label):
        # The first of equal scores, as LinearClassifier takes: of two classes the second is chosen above 0 alone.
        best = graph.add("ArgMax", [scores], axis=1, keepdims=0)
        graph.add("Gather", [graph.constant("labels", _labels(found)), best], label, axis=0)


def _scores(graph: _Graph, rows: str, found: dict[str, Any], *, output: str | None) -> str:
    """[rows, intercepts]: both operators compute in float32 whatever comes in, and a needless Cast goes at load."""
    intercepts = np.array(found["intercepts"], np.float32)
    coefficients = np.array(found["coefficients"], np.float32).reshape(len(intercepts), -1)
    floats = graph.add("Cast", [rows], to=TensorProto.FLOAT)
    constants = [graph.constant("coefficients", coefficients), graph.constant("intercepts", intercepts)]
    return graph.add("Gemm", [floats, *constants], output, transB=1)


def _is_plain_classifier(found: dict[str, Any]) -> bool:
    """One row of coefficients a class, as skl2onnx writes two classes, too, and a transform that has an operator."""
    classes = len(_labels(found))
    return found.get("post_transform", b"NONE") in _POST_TRANSFORMS and classes >= 2 and _is_whole(found, classes)


def _is_plain_regressor(found: dict[str, Any]) -> bool:
    return found.get("post_transform", b"NONE") == b"NONE" and _is_whole(found, found.get("targets", 1))


def _is_whole(found: dict[str, Any], count: int) -> bool:
    """Whether there is an intercept for each of `count` scores, and as many coefficients for one as for another."""
    coefficients = len(found.get("coefficients", ()))
    return len(found.get("intercepts", ())) == count and coefficients > 0 and coefficients % count == 0


def _labels(found: dict[str, Any]) -> np.ndarray:
    words = [word.decode() for word in found.get("classlabels_strings", ())]
    return np.array(words, object) if words else np.array(found.get("classlabels_ints", ()), np.int64)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _tensor_names(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from (*node.input, *node.output)
    yield from (each.name for each in (*graph.input, *graph.output, *graph.initializer))
