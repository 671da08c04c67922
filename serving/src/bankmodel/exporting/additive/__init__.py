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

from bankmodel.exporting.additive.features import Feature
from bankmodel.exporting.additive.graph import graph_of
from bankmodel.exporting.additive.model import Linear, Link, is_linear, read_linear
from bankmodel.exporting.additive.steps import features_of
from bankmodel.exporting.additive.sums import sums_of
from bankmodel.exporting.schema import Column
from bankmodel.exporting.scorecards import pointed_pipeline
from bankmodel.exporting.steps import last_step
from bankmodel.exporting.trees.oracle import Oracle
from bankmodel.exporting.trees.ways import Branch, way_to

__all__ = ["added_up", "is_linear"]

_DOUBLE = np.dtype(np.float64)


def added_up(
    pipeline: Any, frame: pd.DataFrame, columns: Sequence[Column], *, token: str, name: str
) -> onnx.ModelProto:
    """The pipeline as an exact ONNX graph; NotFoldable says why it has none.

    `frame` has a row that the pipeline takes; `token` is sent for a missing text.
    """
    model = read_linear(last_step(pipeline))
    sums = sums_of(model, _oracle(pipeline, frame, columns))
    pointed = pointed_pipeline(pipeline)
    points = None
    if pointed is not None:
        points = sums_of(_adding_up(pointed), _oracle(pointed, frame, columns), sums.words)
    return graph_of(model, sums, columns, points=points, token=token, name=name)


def _oracle(pipeline: Any, frame: pd.DataFrame, columns: Sequence[Column]) -> Oracle[Feature]:
    branch = Branch(way_to(pipeline)[0], _DOUBLE)
    return Oracle(pipeline, columns, frame, walk=features_of, dtype=_DOUBLE, branches=[branch])


def _adding_up(pointed: Any) -> Linear:
    step = pointed.steps[0][1]
    intercept = np.asarray(step.scorecard.intercept_, np.float64).reshape(-1)
    return Linear(np.ones((1, step.n_features_in_)), np.broadcast_to(intercept, 1), Link.IDENTITY)
