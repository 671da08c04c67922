"""Which inputs the ONNX file has, what goes into each, and what the pipeline itself gets to see.

One named input per column. Numbers, integers and booleans are FP32 alike: whether a column arrives as integers often
depends on whether the sample happens to have a missing value in it, and a caller must not have to know. Float32 holds
integers exactly up to 2**24; what rounding beyond that changes is measured and reported by `parity`. Where it changes
decisions, an exact model can take FP64 instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bankmodel.errors import UsageError
from bankmodel.exporting.steps import text_missing_as_none, weighs_features
from bankmodel.samples import is_text

__all__ = ["Column", "NumberType", "as_feeds", "as_original", "columns_of", "missing_token_for"]

NumberType = Literal["FP32", "FP64"]

_OUTPUT_NAMES = ("label", "probabilities", "prediction")


@dataclass(frozen=True)
class Column:
    """One input of the model: a column of the sample and the type it is sent as."""

    name: str
    kind: Literal["number", "text"]
    number_type: NumberType = "FP32"

    @property
    def datatype(self) -> str:
        """The Open Inference Protocol's name of the type."""
        return "BYTES" if self.kind == "text" else self.number_type

    @property
    def dtype(self) -> np.dtype:
        """What a number is sent as."""
        return np.dtype(np.float64 if self.number_type == "FP64" else np.float32)


def columns_of(pipeline: Any, frame: pd.DataFrame, numbers: NumberType = "FP32") -> tuple[Column, ...]:
    """The pipeline's columns in the order it was fitted with; other columns of the sample (the target) are left alone."""
    names = getattr(pipeline, "feature_names_in_", None)
    if names is None:
        names = _unnamed(pipeline, frame)
    absent = [str(name) for name in names if name not in frame.columns]
    if absent:
        raise UsageError(f"the sample lacks columns the pipeline was fitted with: {', '.join(absent)}; add them")
    taken = [str(name) for name in names if str(name) in _OUTPUT_NAMES]
    if taken:
        raise UsageError(f"column {taken[0]!r} has the name of an output of the model; rename it and fit again")
    return tuple(Column(str(name), "text" if is_text(frame[name]) else "number", numbers) for name in names)


def missing_token_for(frame: pd.DataFrame, columns: Sequence[Column]) -> str:
    """A text that stands for "missing" and occurs nowhere in the sample."""
    used = {str(value) for column in columns if column.kind == "text" for value in frame[column.name].dropna().unique()}
    token = "__missing__"
    while token in used:
        token = f"_{token}_"
    return token


def as_feeds(frame: pd.DataFrame, columns: Sequence[Column], token: str) -> dict[str, np.ndarray]:
    """The sample as the ONNX file receives it: one [rows, 1] array per input."""
    return {column.name: _feed(frame[column.name], column, token).reshape(-1, 1) for column in columns}


def as_original(pipeline: Any, frame: pd.DataFrame, columns: Sequence[Column], *, as_sent: bool) -> Any:
    """The sample as the pipeline receives it; `as_sent`: the very numbers that the ONNX file gets.

    In front of a linear model these are held in double, as in a notebook: held in float32, scalers would subtract a mean
    rounded to it, which moves scores by more than rounding the numbers does.
    """
    kept = frame[[column.name for column in columns]]
    if as_sent:
        numbers = [column for column in columns if column.kind == "number"]
        kept = kept.astype({column.name: column.dtype for column in numbers})
        if weighs_features(pipeline):
            kept = kept.astype(dict.fromkeys((column.name for column in numbers), np.float64))
    if text_missing_as_none(pipeline):
        kept = kept.assign(**_with_none(kept, columns))
    return kept if hasattr(pipeline, "feature_names_in_") else kept.to_numpy()


def _unnamed(pipeline: Any, frame: pd.DataFrame) -> Sequence[str]:
    """A pipeline fitted on an array knows how many columns it wants, not which: the sample must have exactly those."""
    wanted = getattr(pipeline, "n_features_in_", len(frame.columns))
    if wanted != len(frame.columns):
        raise UsageError(
            f"the pipeline was fitted on an array of {wanted} columns without names, the sample has {len(frame.columns)}; "
            "fit it on a DataFrame, or give a sample with exactly its columns in its order"
        )
    return [str(name) for name in frame.columns]


def _feed(values: pd.Series, column: Column, token: str) -> np.ndarray:
    if column.kind == "number":
        return values.astype(column.dtype).to_numpy()
    words = values.astype(object)
    return words.where(words.notna(), token).astype(str).to_numpy(dtype=object)


def _with_none(frame: pd.DataFrame, columns: Sequence[Column]) -> Mapping[str, pd.Series]:
    words = {column.name: frame[column.name].astype(object) for column in columns if column.kind == "text"}
    return {name: values.where(values.notna(), None) for name, values in words.items()}
