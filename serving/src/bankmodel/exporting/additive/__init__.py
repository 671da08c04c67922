"""Linear models that score a caller's columns as the pipeline does, in double: no step in front of them rounds otherwise.

A linear model over steps that treat each column by itself is a sum over columns. What bins or encodes a column adds one
of a few numbers, found by asking the fitted steps themselves (levels.py) and looked up in a tree. What scales it goes into
the coefficients; what bends it is computed (curves.py).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pandas as pd

from bankmodel.exporting.additive.graph import graph_of
from bankmodel.exporting.additive.model import is_linear, read_linear
from bankmodel.exporting.additive.steps import features_of
from bankmodel.exporting.additive.sums import sums_of
from bankmodel.exporting.schema import Column
from bankmodel.exporting.steps import last_step
from bankmodel.exporting.trees.oracle import Oracle

__all__ = ["added_up", "is_linear"]

_DOUBLE = np.dtype(np.float64)


def added_up(
    pipeline: Any, frame: pd.DataFrame, columns: Sequence[Column], *, token: str, name: str
) -> onnx.ModelProto:
    """The pipeline as an exact ONNX graph; NotFoldable says why it has none.

    `frame` has a row that the pipeline takes; `token` is sent for a missing text.
    """
    model = read_linear(last_step(pipeline))
    oracle = Oracle(pipeline, columns, frame, walk=features_of, dtype=_DOUBLE, model_dtype=_DOUBLE)
    return graph_of(model, sums_of(model, oracle), columns, token=token, name=name)
