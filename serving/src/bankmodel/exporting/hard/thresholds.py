"""The numbers at which a model's trees change their answer, told in the caller's columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx import helper, numpy_helper

from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees.cuts import Tests, lines_of
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.oracle import Oracle
from bankmodel.exporting.trees.sources import sources_of
from bankmodel.exporting.trees.ways import Branch, way_to

__all__ = ["thresholds_behind", "thresholds_of"]

_STANDARD_TREES = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")


def thresholds_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The different finite numbers that an exact graph's trees compare each number column with."""
    inputs = {put.name for put in model.graph.input if put.type.tensor_type.elem_type != onnx.TensorProto.STRING}
    makers = {name: node for node in model.graph.node for name in node.output}
    found: dict[str, list[np.ndarray]] = {}
    for node in model.graph.node:
        if node.op_type == "TreeEnsemble":
            splits, features = (
                numpy_helper.to_array(_read(node, "nodes_splits")),
                np.array(_read(node, "nodes_featureids")),
            )
            for place, name in enumerate(_gathered(makers, node.input[0])):
                if name in inputs:
                    found.setdefault(name, []).append(splits[features == place])
    joined = {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}
    return {name: values[np.isfinite(values)] for name, values in joined.items() if np.isfinite(values).any()}


def thresholds_behind(
    pipeline: Any, model: onnx.ModelProto, columns: Sequence[Column], frame: pd.DataFrame
) -> dict[str, np.ndarray]:
    """The same for a graph of the standard way, whose trees compare what its steps make of the columns.

    The fitted steps are asked where in their column each threshold is; empty where one of them is not known to treat each
    column by itself. `frame` has a row that the pipeline takes.
    """
    asked = _asked_of_features(model)
    if not asked:
        return {}
    try:
        branch = Branch(way_to(pipeline)[0], np.dtype(np.float32))
        oracle = Oracle(pipeline, columns, frame, walk=sources_of, dtype=columns[0].dtype, branches=[branch])
        measured = {
            feature: Tests(values, np.zeros(len(values), bool))
            for feature, values in asked.items()
            if feature < len(oracle.sources) and oracle.sources[feature].keys is None
        }
        lines = lines_of(oracle, measured)
    except NotFoldable:
        return {}
    found: dict[str, list[float]] = {}
    for feature, told in lines.items():
        name = oracle.columns[oracle.sources[feature].column].name
        found.setdefault(name, []).extend(cut for line in told for cut in line.cuts)
    return {name: np.unique(cuts) for name, cuts in found.items() if cuts}


def _asked_of_features(model: onnx.ModelProto) -> Mapping[int, np.ndarray]:
    parts = list(_standard_splits(model))
    if not parts:
        return {}
    features, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    return {int(feature): np.unique(values[features == feature]) for feature in np.unique(features)}


def _standard_splits(model: onnx.ModelProto) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for node in model.graph.node:
        if node.op_type in _STANDARD_TREES:
            is_split = np.array(_read(node, "nodes_modes")) != b"LEAF"
            values = np.array(_read(node, "nodes_values"), np.float64)
            yield np.array(_read(node, "nodes_featureids"))[is_split], values[is_split]


def _gathered(makers: Mapping[str, onnx.NodeProto], name: str) -> list[str]:
    """The tensors side by side in `name`; itself where it is not put together."""
    while name in makers and makers[name].op_type == "Cast":
        name = makers[name].input[0]
    if name in makers and makers[name].op_type == "Concat":
        return list(makers[name].input)
    return [name]


def _read(node: onnx.NodeProto, name: str) -> Any:
    return next(helper.get_attribute_value(each) for each in node.attribute if each.name == name)
