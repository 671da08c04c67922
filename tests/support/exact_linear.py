"""An exact linear file beside its pipeline: rows off by more than a share of the score. Used by unit tests and `make verify-export`."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pandas as pd

from bankmodel.exporting.schema import Column, as_feeds, as_original
from bankmodel.exporting.steps import last_step
from bankmodel.running import Runner

__all__ = ["SHARE", "TOKEN", "Counted", "counted"]

TOKEN = "__missing__"
SHARE = 1e-6
_LEAST = 1e-37
"""The smallest numbers of FP32 have few digits, or are zero."""


@dataclass(frozen=True)
class Counted:
    """Rows, those whose score is off by more than a millionth of it, decisions that flip, labels that differ."""

    rows: int
    off: int
    flips: int
    labels: int
    worst: float

    def __str__(self) -> str:
        return f"{self.off:,} off, {self.flips:,} flips, worst {self.worst:.2g}"


def counted(
    pipeline: Any, model: onnx.ModelProto, rows: pd.DataFrame, columns: tuple[Column, ...], *, cutoff: float = 0.5
) -> Counted:
    """The file's answers to `rows` beside the pipeline's: of two classes the second one's probability, of more all."""
    # A line of isotonic calibration begins at zero on a row that it was fitted on, and the last bit tells on which side
    least = 1e-6 if getattr(last_step(pipeline), "method", "") == "isotonic" else _LEAST
    given = as_original(pipeline, rows, columns, as_sent=True)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # it says what it thinks of unknown words and of extreme values
        is_classifier = hasattr(pipeline, "classes_")
        expected = np.asarray(pipeline.predict_proba(given) if is_classifier else pipeline.predict(given))
        labels = pipeline.predict(given)
    answers = Runner(model.SerializeToString()).run(as_feeds(rows, columns, TOKEN))
    scores = answers["probabilities" if is_classifier else "prediction"].reshape(len(rows), -1).astype(np.float64)
    expected = expected.reshape(len(rows), -1)
    if expected.shape[1] == 2:  # the first one's is 1 less it, in which a small one loses its digits
        expected, scores = expected[:, 1:], scores[:, 1:]
    with np.errstate(over="ignore", invalid="ignore"):
        is_same = scores == expected.astype(np.float32)  # beyond its range both are infinite
        share = np.where(is_same, 0, np.abs(scores - expected) / np.maximum(np.abs(expected), least)).max(axis=1)
    flips = (scores >= cutoff) != (expected >= cutoff) if is_classifier and expected.shape[1] == 1 else np.zeros(1)
    differing = int((answers["label"] != labels).sum()) if is_classifier else 0
    is_off = ~(share <= SHARE)
    return Counted(len(rows), int(is_off.sum()), int(flips.sum()), differing, float(share.max()))
