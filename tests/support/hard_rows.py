"""Hard rows for an exact graph, with values missing where the data has some missing. Used by unit tests and `make verify-export`."""

import numpy as np
import onnx
import pandas as pd

from bankmodel.exporting.hard import hard_rows as made_of, pools_of, thresholds_of
from bankmodel.exporting.schema import Column, NumberType
from bankmodel.samples import is_text

__all__ = ["hard_rows"]


def hard_rows(model: onnx.ModelProto, frame: pd.DataFrame, rows: int, *, dtype: type = np.float32) -> pd.DataFrame:
    """Rows of `frame`, in which about half the values are replaced by what is hard for `model`; the same ones each time."""
    sent: NumberType = "FP64" if dtype is np.float64 else "FP32"
    columns = [Column(str(name), "text" if is_text(frame[name]) else "number", sent) for name in frame.columns]
    pools = pools_of(frame, columns, thresholds_of(model))
    return made_of(frame, columns, pools, may_miss=list(frame.columns[frame.isna().any()]), rows=rows).frame
