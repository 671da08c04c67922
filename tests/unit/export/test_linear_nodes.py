"""One linear node after another, as converters write them or might: the rewritten graph answers as the node did."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bankmodel.exporting.linear import let_rows_stand_alone
from bankmodel.running import Runner
from support.rows import row_bytes

_TEXT_LABELS = ["denied", "approved", "referred"]
_ROWS = 37
_WIDTH = 13  # no multiple of a vector's length: sums that depend on where a row lies in memory would show


def _weights(count: int, width: int) -> dict[str, Any]:
    random = np.random.default_rng(count)
    half = random.normal(size=(count, width)), random.normal(size=count)
    coefficients, intercepts = (np.concatenate([-each[1:], each[1:]]) if count == 2 else each for each in half)
    return {"coefficients": coefficients.ravel().tolist(), "intercepts": intercepts.tolist()}


def _classifier(transform: str, labels: list[int] | list[str], width: int = _WIDTH, **changes: Any) -> onnx.NodeProto:
    kind = "classlabels_strings" if isinstance(labels[0], str) else "classlabels_ints"
    found = {kind: labels, "post_transform": transform, **_weights(len(labels), width), **changes}
    return helper.make_node("LinearClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", **found)


def _regressor(targets: int, **changes: Any) -> onnx.NodeProto:
    found = {"targets": targets, **_weights(targets, _WIDTH), **changes}
    return helper.make_node("LinearRegressor", ["x"], ["scores"], domain="ai.onnx.ml", **found)


def _model(
    node: onnx.NodeProto, *, width: int = _WIDTH, opset: int = 15, kind: int = TensorProto.FLOAT
) -> onnx.ModelProto:
    """The node alone, after an Identity whose output has a name that the rewrite would like to give."""
    first = helper.make_node("Identity", ["given"], ["linear_coefficients_0"])
    node.input[:] = ["linear_coefficients_0"]
    label = TensorProto.STRING if any(a.name == "classlabels_strings" for a in node.attribute) else TensorProto.INT64
    kinds = {"label": (label, ["n"]), "scores": (TensorProto.FLOAT, ["n", "scores"])}
    outputs = [helper.make_tensor_value_info(name, *kinds[name]) for name in node.output]
    graph = helper.make_graph(
        [first, node], "one", [helper.make_tensor_value_info("given", kind, ["n", width])], outputs
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=7)


def _rewritten(model: onnx.ModelProto) -> onnx.ModelProto:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    let_rows_stand_alone(changed)
    onnx.checker.check_model(changed)
    return changed


def _rows(width: int = _WIDTH) -> np.ndarray:
    """Rows with a missing and an infinite value among them; the first is zero, where two opposite scores tie."""
    rows = np.random.default_rng(1).normal(size=(_ROWS, width)).astype(np.float32) * 3
    rows[0], rows[1, 0], rows[2, 0] = 0, np.nan, np.inf
    return rows


_NODES = {
    **{f"{transform} of {labels}": _classifier(transform, labels) for transform in ("NONE", "LOGISTIC", "SOFTMAX")
       for labels in ([0, 1], [7, 3, 5], ["no", "yes"], _TEXT_LABELS)},
    "two that tie": _classifier("LOGISTIC", [0, 1], intercepts=[0.0, 0.0]),
    "one target": _regressor(1),
    "three targets": _regressor(3),
}  # fmt: skip


@pytest.mark.parametrize("opset", [11, 15])
@pytest.mark.parametrize("node", _NODES.values(), ids=_NODES)
def test_the_answers_stay_and_rows_stand_alone(node: onnx.NodeProto, opset: int) -> None:
    model = _model(node, opset=opset)
    changed = _rewritten(model)
    before, after = Runner(model.SerializeToString()), Runner(changed.SerializeToString())
    rows = _rows()
    expected, actual = before.run({"given": rows}), after.run({"given": rows})
    alone = [after.run({"given": rows[i : i + 1]}) for i in range(_ROWS)]

    assert not any(each.op_type.startswith("Linear") for each in changed.graph.node)
    assert {name: (a.shape, a.dtype) for name, a in expected.items()} == {
        n: (a.shape, a.dtype) for n, a in actual.items()
    }
    np.testing.assert_allclose(actual["scores"], expected["scores"], rtol=1e-5, atol=1e-5)
    assert [row_bytes(each, 0) for each in alone] == [row_bytes(actual, row) for row in range(_ROWS)]
    if "label" in actual:
        assert expected["label"].tolist() == actual["label"].tolist()


def test_of_two_classes_that_tie_the_first_is_chosen_as_scikit_learn_does() -> None:
    model = _rewritten(_model(_NODES["two that tie"]))
    answer = Runner(model.SerializeToString()).run({"given": _rows()[:1]})

    assert [0.5, 0.5] == answer["scores"][0].tolist()
    assert [0] == answer["label"].tolist()


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.DOUBLE], ids=["integers", "doubles"])
def test_columns_of_other_numbers_are_taken_as_before(kind: int) -> None:
    model = _model(_classifier("LOGISTIC", [0, 1]), kind=kind)
    rows = np.arange(3 * _WIDTH).reshape(3, -1).astype(helper.tensor_dtype_to_np_dtype(kind)) % 5
    expected, actual = (
        Runner(each.SerializeToString()).run({"given": rows})["scores"] for each in (model, _rewritten(model))
    )

    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


def test_a_wide_model_stands_alone_too() -> None:
    """5,000 one-hot columns and ten classes: more than one block of the kernel in each direction."""
    model = _rewritten(_model(_classifier("SOFTMAX", list(range(10)), 5000), width=5000))
    runner, rows = Runner(model.SerializeToString()), _rows(5000)
    together = runner.run({"given": rows})
    alone = [runner.run({"given": rows[row : row + 1]}) for row in range(_ROWS)]

    assert [row_bytes(each, 0) for each in alone] == [row_bytes(together, row) for row in range(_ROWS)]


_LEFT_ALONE = {
    "one row of coefficients": _classifier("LOGISTIC", [0, 1], **_weights(1, _WIDTH)),
    "a transform without an operator": _classifier("PROBIT", [0, 1]),
    "an intercept too few": _regressor(3, intercepts=[1.0, 2.0]),
    "coefficients that do not divide": _regressor(3, coefficients=[1.0, 2.0]),
}


@pytest.mark.parametrize("node", _LEFT_ALONE.values(), ids=_LEFT_ALONE)
def test_what_has_no_equal_form_is_left_alone(node: onnx.NodeProto) -> None:
    model = _model(node)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    let_rows_stand_alone(changed)

    assert model == changed


def test_labels_that_nobody_reads_are_not_computed() -> None:
    model = _model(_classifier("NONE", [0, 1]))
    del model.graph.output[0]

    assert {"ArgMax", "Gather"} & {node.op_type for node in _rewritten(model).graph.node} == set()
