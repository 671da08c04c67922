"""What the model does with a missing value, found by asking it: onMissing in the card is measured, not assumed."""

from typing import Any

import numpy as np
import pandas as pd

from bankmodel.errors import UsageError
from bankmodel.exporting.parity import row_differences
from bankmodel.exporting.schema import Column
from bankmodel.exporting.steps import text_missing_as_none
from bankmodel.exporting.subject import Subject
from bankmodel.progress import Progress, silent
from bankmodel.running import Runner

__all__ = ["columns_that_impute"]

_ROWS = 20


def columns_that_impute(
    subject: Subject, runner: Runner, *, tolerance: float, progress: Progress = silent
) -> frozenset[str]:
    """Columns in which pipeline and ONNX file both score a missing value, and alike: these impute, the others reject."""
    found, columns = set(), subject.columns
    for position, column in enumerate(columns):
        progress("trying a missing value in each column", position, len(columns))
        blank = _blank_out(subject.scorer.pipeline, subject.frame.head(_ROWS), column)
        try:
            expected = subject.by_pipeline(blank, as_sent=True)
        except UsageError:
            continue
        answered = subject.by_file(runner, blank)
        size = row_differences(expected, answered, relative=subject.scorer.class_index is None)
        if np.isfinite(expected).all() and (size <= tolerance).all():
            found.add(column.name)
    progress("trying a missing value in each column", len(columns), len(columns))
    return frozenset(found)


def _blank_out(pipeline: Any, frame: pd.DataFrame, column: Column) -> pd.DataFrame:
    if column.kind == "number":
        return frame.assign(**{column.name: np.full(len(frame), np.nan, column.dtype)})
    missing = None if text_missing_as_none(pipeline) else np.nan
    return frame.assign(**{column.name: pd.Series([missing] * len(frame), index=frame.index, dtype=object)})
