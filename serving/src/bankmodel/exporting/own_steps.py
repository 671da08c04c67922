"""A step of one's own brings its ONNX along: a method `onnx_model()` of the fitted transformer. Made known to skl2onnx here.

Its graph has one input, the step's columns as one matrix, and one output. What it computes is judged by parity, as all is.
"""

from typing import Any

import onnx
from onnx.inliner import inline_local_functions
from skl2onnx import update_registered_converter
from skl2onnx.helpers.integration import add_onnx_graph
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from bankmodel.errors import ConversionError
from bankmodel.exporting.places import path_to
from bankmodel.exporting.steps import fitted_steps

__all__ = ["register_own_steps"]


def register_own_steps(pipeline: Any, opset: int) -> None:
    """Make those steps of `pipeline` known that have an `onnx_model()`; it must be of the opset that the file will have."""
    for step in fitted_steps(pipeline):
        kind = type(step)
        if hasattr(kind, "onnx_model"):
            if _is_fitted(step):  # what a voting or calibrated model was made from is not
                _refuse_unfit(step, path_to(pipeline, step), opset)
            update_registered_converter(kind, f"Own{kind.__module__}.{kind.__qualname__}", _set_width, _inline)


def _is_fitted(step: Any) -> bool:
    try:
        check_is_fitted(step)
    except NotFittedError:
        return False
    return True


def _refuse_unfit(step: Any, name: str, opset: int) -> None:
    try:
        made = _model_of(step)
    except Exception as error:  # foreign code
        raise ConversionError(
            f"{name}.onnx_model() failed: {type(error).__name__}: {str(error)[:200]}; let it give an onnx.ModelProto"
        ) from error
    if (len(made.graph.input), len(made.graph.output)) != (1, 1):
        raise ConversionError(
            f"{name}.onnx_model() has {len(made.graph.input)} inputs and {len(made.graph.output)} outputs; "
            "give it one of each: the step's columns as one matrix, and what it makes of them"
        )
    versions = {entry.domain: entry.version for entry in made.opset_import}
    if versions.get("", opset) != opset:
        raise ConversionError(f"{name}.onnx_model() is of opset {versions['']}; write it for opset {opset}")


def _model_of(step: Any) -> onnx.ModelProto:
    """Without functions of its own, and with names for all nodes, as skl2onnx wants it."""
    made: onnx.ModelProto = inline_local_functions(step.onnx_model())
    for place, node in enumerate(made.graph.node):
        node.name = node.name or f"own_{place}"
    return made


def _set_width(operator: Any) -> None:
    """skl2onnx asks how many columns come out; a name instead of a number says: as many as go in."""
    given = operator.inputs[0].type
    output = _model_of(operator.raw_operator).graph.output[0].type.tensor_type.shape
    width = output.dim[1].dim_value if len(output.dim) > 1 else 0
    operator.outputs[0].type = type(given)([None, width or given.shape[1]])


def _inline(scope: Any, operator: Any, container: Any) -> None:
    add_onnx_graph(scope, operator, container, _model_of(operator.raw_operator))
