"""Trees that decide on a caller's columns exactly as the pipeline does: no step in front of them is computed in ONNX.

A tree asks `f(x) <= t` of what the steps in front of it made of a column. Where f is monotone that is `x <= c` with one c,
found by asking the fitted steps themselves about floats (cuts.py). The graph then holds the trees alone.
"""

from collections.abc import Sequence
from typing import Any

import onnx
import pandas as pd

from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.fold import plans_of
from bankmodel.exporting.trees.graph import graph_of
from bankmodel.exporting.trees.members import read_pipeline
from bankmodel.exporting.trees.oracle import Oracle
from bankmodel.exporting.trees.sources import Source, sources_of
from bankmodel.exporting.trees.unfold import unfolded
from bankmodel.progress import Progress, silent

__all__ = ["NotFoldable", "folded"]

_GIVE = "take the declaration away, and give it a method onnx_model()"


def folded(
    pipeline: Any,
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    token: str,
    name: str,
    progress: Progress = silent,
) -> onnx.ModelProto:
    """The pipeline as an exact ONNX graph; NotFoldable says why it has none.

    `frame` has a row that the pipeline takes; `token` is sent for a missing text.
    """
    read = read_pipeline(pipeline)
    oracle = Oracle(pipeline, columns, frame, walk=sources_of, dtype=columns[0].dtype, branches=read.branches)
    _refuse_mixing(oracle)
    found = plans_of(read.ensemble, oracle, progress)
    nodes = unfolded(read.ensemble, found.plans, progress)
    progress("writing the graph")
    return graph_of(read.ensemble, nodes, columns, words=found.words, token=token, name=name)


def _refuse_mixing(oracle: Oracle[Source]) -> None:
    """What its author alone says of a step is tried: that it treats each column by itself."""
    declared = [source.declared for source in oracle.sources if source.declared]
    if declared and oracle.mixed() is not None:
        raise NotFoldable(f"{declared[0]} is declared to treat each column by itself, and mixes columns or rows", _GIVE)
