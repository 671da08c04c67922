"""Exponentials and logarithms of an exact linear file: right, and to the last bit of a double the same alone and in a batch."""

from collections.abc import Callable

import numpy as np
import pytest
from onnx import TensorProto, helper

from bankmodel.exporting.additive.exponentials import add_exp, add_log, add_logistic, add_softmax
from bankmodel.exporting.trees.drawing import Graph
from bankmodel_serving.engine import session_options
from bankmodel_serving.runtime import onnxruntime

_ROWS = 200


def _softmax(rows: np.ndarray) -> np.ndarray:
    raised = np.exp(rows - rows.max(axis=1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return shares


_Case = tuple[Callable[[Graph, int], str], Callable[[np.ndarray], np.ndarray]]
_CASES: dict[str, _Case] = {
    "exp": (lambda graph, _: add_exp(graph, "rows"), np.exp),
    "log": (lambda graph, _: add_log(graph, "rows"), lambda rows: np.log(np.maximum(rows, 0))),
    "logistic": (lambda graph, _: add_logistic(graph, "rows"), lambda rows: 1 / (1 + np.exp(-rows))),
    "softmax": (lambda graph, width: add_softmax(graph, "rows", width), _softmax),
}


def _session(case: str, width: int) -> onnxruntime.InferenceSession:
    graph = Graph()
    output = _CASES[case][0](graph, width)
    ends = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, width]) for name in ("rows", output)]
    made = helper.make_graph(graph.nodes, case, ends[:1], ends[1:], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(), providers=["CPUExecutionProvider"]
    )


def _rows(case: str, width: int) -> np.ndarray:
    rows = np.random.default_rng(width).normal(size=(_ROWS, width)) * 20
    return np.abs(rows) if case == "log" else rows


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("case", _CASES)
def test_last_bit_does_not_depend_on_the_batch(case: str, width: int) -> None:
    session, rows = _session(case, width), _rows(case, width)
    together = session.run(None, {"rows": rows})[0]
    alone = np.concatenate([session.run(None, {"rows": rows[row : row + 1]})[0] for row in range(_ROWS)])

    assert together.tobytes() == alone.tobytes()


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("case", _CASES)
def test_small_numbers_keep_their_digits(case: str, width: int) -> None:
    rows = _rows(case, width)

    np.testing.assert_allclose(_session(case, width).run(None, {"rows": rows})[0], _CASES[case][1](rows), rtol=1e-13)
