"""What the model does with a missing value, found by asking it: onMissing in the card is measured, not assumed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bankmodel.exporting.parity import row_differences
from bankmodel.exporting.schema import Column, as_feeds, as_original
from bankmodel.exporting.scoring import Scorer
from bankmodel.exporting.steps import text_missing_as_none
from bankmodel.progress import Progress, silent
from bankmodel.running import Runner

__all__ = ["columns_that_impute"]

_ROWS = 20


def columns_that_impute(
    scorer: Scorer,
    runner: Runner,
    frame: pd.DataFrame,
    *,
    columns: Sequence[Column],
    token: str,
    tolerance: float,
    progress: Progress = silent,
) -> frozenset[str]:
    """Columns in which pipeline and ONNX file both score a missing value, and alike: these impute, the others reject."""
    found = set()
    for position, column in enumerate(columns):
        progress("trying a missing value in each column", position, len(columns))
        blank = _blank_out(scorer.pipeline, frame.head(_ROWS), column)
        expected = _scores_or_none(scorer, as_original(scorer.pipeline, blank, columns, as_sent=True))
        if expected is None:
            continue
        answered = runner.run(as_feeds(blank, columns, token))[scorer.output].reshape(len(blank), -1)
        size = row_differences(expected, answered, relative=scorer.class_index is None)
        if np.isfinite(expected).all() and (size <= tolerance).all():
            found.add(column.name)
    progress("trying a missing value in each column", len(columns), len(columns))
    return frozenset(found)


def _blank_out(pipeline: Any, frame: pd.DataFrame, column: Column) -> pd.DataFrame:
    if column.kind == "number":
        return frame.assign(**{column.name: np.full(len(frame), np.nan, column.dtype)})
    missing = None if text_missing_as_none(pipeline) else np.nan
    return frame.assign(**{column.name: pd.Series([missing] * len(frame), index=frame.index, dtype=object)})


def _scores_or_none(scorer: Scorer, rows: Any) -> np.ndarray | None:
    """The pipeline's scores; None when it refuses such rows, with whatever exception its steps raise."""
    try:
        return scorer.predict(rows)
    except Exception:  # a pipeline is foreign code: every refusal of it means the same here
        return None
