"""Rows made to hurt an exported tree ensemble: values on and beside its thresholds, missing, unknown and extreme ones.

Extreme is a thousand times the largest of the sample, and zero: many steps refuse infinity, which larger ones become there.
"""

import numpy as np
import onnx
import pandas as pd
from onnx import helper, numpy_helper

__all__ = ["UNKNOWN_WORD", "hard_rows", "thresholds_of"]

UNKNOWN_WORD = "never seen in training"


def thresholds_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The different finite numbers that a folded graph compares each number column with."""
    nodes = {node.op_type: node for node in model.graph.node}
    found = {each.name: helper.get_attribute_value(each) for each in nodes["TreeEnsemble"].attribute}
    splits, columns = numpy_helper.to_array(found["nodes_splits"]), np.array(found["nodes_featureids"])
    numbers = _numbers(model)
    named = {name: np.unique(splits[columns == place]) for place, name in enumerate(nodes["Concat"].input)}
    return {name: values[np.isfinite(values)] for name, values in named.items() if name in numbers}


def hard_rows(model: onnx.ModelProto, frame: pd.DataFrame, rows: int, *, dtype: type = np.float32) -> pd.DataFrame:
    """Rows of `frame`, in which about half the values are replaced by what is hard for `model`; the same ones each time."""
    random = np.random.default_rng(20_261_129)
    made = frame.iloc[random.integers(len(frame), size=rows)].reset_index(drop=True)
    found = thresholds_of(model)
    hard = {name: _hard_numbers(found.get(name, np.array([])), frame[name], dtype) for name in _numbers(model)}
    for name in made.columns:
        blank = [np.nan] if frame[name].isna().any() else []
        values = np.array([*hard.get(name, []), *blank], dtype) if name in hard else _hard_words(frame[name], blank)
        chosen = random.random(rows) < 0.5
        column = made[name].astype(dtype if name in hard else object)
        made[name] = column.where(~chosen, pd.Series(random.choice(values, rows), dtype=column.dtype))
    return made


def _numbers(model: onnx.ModelProto) -> list[str]:
    return [put.name for put in model.graph.input if put.type.tensor_type.elem_type != onnx.TensorProto.STRING]


def _hard_numbers(thresholds: np.ndarray, column: pd.Series, dtype: type) -> np.ndarray:
    low, high = float(column.min()), float(column.max())
    exact: np.ndarray = np.concatenate([thresholds, [low, high]]).astype(dtype)
    beside = [np.nextafter(exact, dtype(end)) for end in (-np.inf, np.inf)]
    extremes = [0.0, 1_000 * high, *([1_000 * low] if low < 0 else [])]
    return np.concatenate([exact, *beside, np.array(extremes, dtype)])


def _hard_words(column: pd.Series, blank: list[float]) -> np.ndarray:
    known = list(column.dropna().unique())
    words = [*known, UNKNOWN_WORD] if isinstance(known[0], str) else known
    return np.array([*words, *blank], object)
