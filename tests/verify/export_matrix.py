"""Item 1 of `make verify-export`: each pair of preparation and model, pipeline against file, on its sample and on hard rows."""

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import pandas as pd

from bankmodel.errors import ConversionError
from bankmodel.exporting.convert import to_onnx
from bankmodel.exporting.deciding import deciding_in_double
from bankmodel.exporting.schema import Column, as_feeds, as_original, columns_of
from bankmodel.exporting.trees import folded
from bankmodel.running import Runner
from support.exact_pairs import PAIRS, Pair
from support.hard_rows import hard_rows
from verify.lines import Line, at_least, exactly

__all__ = ["Count", "count_pair", "item_1"]

_ROWS = 100_000
_OFF = 1e-5
_CUTOFF = 0.5
_TOKEN = "__missing__"


@dataclass(frozen=True)
class Count:
    """Rows that a file scores otherwise than the pipeline, by more than 1e-5, and decisions that flip."""

    rows: int
    off: int
    flips: int
    worst: float
    decides_in_double: bool = False

    def __str__(self) -> str:
        return f"{self.off:,} off, {self.flips:,} flips, worst {self.worst:.2g}"


def item_1() -> Iterator[Line]:
    """0 rows off by more than 1e-5 and 0 flips for every pair, on the sample and on 100,000 hard rows (BANKMODEL_HARD_ROWS)."""
    rows = int(os.environ.get("BANKMODEL_HARD_ROWS", str(_ROWS)))
    yield at_least("pairs of preparation and model", len(PAIRS), 60)
    for pair in PAIRS:
        exact, standard = count_pair(pair, rows)
        how = "decides in double, " if exact.decides_in_double else ""
        yield exactly(
            f"{pair.name} ({how}{exact.rows:,} rows; standard: {standard})", str(exact).rpartition(",")[0], _GOOD
        )


_GOOD = "0 off, 0 flips"


def count_pair(pair: Pair, rows: int) -> tuple[Count, Count | str]:
    """The exact file's count and the standard one's, or why there is none."""
    pipeline, frame = pair.make()
    columns = columns_of(pipeline, frame)
    exact = folded(pipeline, frame, columns, token=_TOKEN, name="exact")
    hard = hard_rows(exact, frame, rows)
    if "log1p" in repr(pipeline):  # it makes -1 an infinity, which the next step refuses
        hard = hard[~(hard == -1).any(axis=1)]
    judged = pd.concat([_float32(frame, columns), hard], ignore_index=True)
    expected = _by_pipeline(pipeline, as_original(pipeline, judged, columns, as_sent=True))
    try:
        standard: Count | str = _count(
            expected, to_onnx(pipeline, columns, token=_TOKEN, name="standard"), judged, columns
        )
    except ConversionError as refusal:
        standard = f"refused, {str(refusal)[:60]}"
    found = _count(expected, exact, judged, columns)
    if found.flips:  # as export does
        exact = deciding_in_double(exact, index=1, cutoff=_CUTOFF)
        found = replace(_count(expected, exact, judged, columns), decides_in_double=True)
    return found, standard


def _count(expected: np.ndarray, model: onnx.ModelProto, rows: pd.DataFrame, columns: tuple[Column, ...]) -> Count:
    answers = Runner(model.SerializeToString()).run(as_feeds(rows, columns, _TOKEN))
    scores = answers["probabilities" if "probabilities" in answers else "prediction"].reshape(expected.shape)
    size = (np.abs(scores - expected) / np.maximum(1, np.abs(expected))).max(axis=1)  # of a regressor: relative
    decided, wanted = (each[:, 1:] if each.shape[1] == 2 else each for each in (scores, expected))  # of two, the second
    flips = (decided >= _CUTOFF) != (wanted >= _CUTOFF) if "probabilities" in answers else np.zeros(1, bool)
    return Count(len(rows), int((size > _OFF).sum()), int(flips.any(axis=-1).sum()), float(size.max()))


def _by_pipeline(pipeline: Any, rows: Any) -> np.ndarray:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # it says what it thinks of extreme values and unknown words
        if hasattr(pipeline, "classes_"):
            return np.asarray(pipeline.predict_proba(rows))
        return np.asarray(pipeline.predict(rows)).reshape(-1, 1)


def _float32(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    return frame.astype({column.name: np.float32 for column in columns if column.kind == "number"})
