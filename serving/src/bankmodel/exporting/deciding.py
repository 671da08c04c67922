"""The pipeline's own decision, where rounding its score to FP32 would turn it.

A score just below the cutoff may be rounded up to it: of a forest this is no rare accident, since its sums of fractions meet a cutoff
but for the last bit of a double. Used by `export` for exact files that flip a row; four operators more cost half a microsecond a row.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

__all__ = ["deciding_in_double"]

_SCORES = "probabilities"


def deciding_in_double(model: onnx.ModelProto, *, index: int, cutoff: float) -> onnx.ModelProto:
    """An exact `model` with each score of class `index` on that side of `cutoff`, in FP32, on which it is in double: a score
    that rounding took across becomes the next float on its own side. Of 0.7 the nearest float32 is on neither: it is below
    in double, and 0.7 in JSON.
    """
    decided = onnx.ModelProto()
    decided.CopyFrom(model)
    rounding = next(node for node in decided.graph.node if _SCORES in node.output)
    rounding.output[0] = _own("rounded")
    above = _first_float_from(cutoff)
    below = np.nextafter(min(above, np.float32(cutoff)), np.float32(-np.inf))
    classes = decided.graph.output[_place(decided)].type.tensor_type.shape.dim[1].dim_value
    bounds = {
        "cutoff": _for_one(classes, index, np.float64(cutoff), -np.inf),
        "most": _for_one(classes, index, below, np.inf),
        "least": _for_one(classes, index, above, -np.inf),
    }
    decided.graph.initializer.extend(numpy_helper.from_array(values, _own(name)) for name, values in bounds.items())
    decided.graph.node.extend(
        [
            helper.make_node("Less", [rounding.input[0], _own("cutoff")], [_own("is below")]),
            helper.make_node("Min", [_own("rounded"), _own("most")], [_own("if below")]),
            helper.make_node("Max", [_own("rounded"), _own("least")], [_own("if not")]),
            helper.make_node("Where", [_own("is below"), _own("if below"), _own("if not")], [_SCORES]),
        ]
    )
    return decided


def _own(tensor: str) -> str:
    """A name that no column can have."""
    return f"/{_SCORES}/{tensor}"


def _first_float_from(cutoff: float) -> np.float32:
    """The smallest float32 with which the decision is positive."""
    near = np.float32(cutoff)
    return near if float(near) >= cutoff else np.nextafter(near, np.float32(np.inf))


def _for_one(classes: int, index: int, value: np.floating[Any], others: float) -> npt.NDArray[Any]:
    """[classes], in the type of `value`."""
    values = np.full(classes, others, value.dtype)
    values[index] = value
    return values


def _place(model: onnx.ModelProto) -> int:
    return [put.name for put in model.graph.output].index(_SCORES)
