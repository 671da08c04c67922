"""Choose the way to ONNX: trees exactly, where that is known to be possible, and everything else the standard way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx
import pandas as pd

from bankmodel.errors import ConversionError
from bankmodel.exporting.convert import to_onnx
from bankmodel.exporting.schema import Column
from bankmodel.exporting.trees import NotFoldable, folded

__all__ = ["Converted", "convert"]


@dataclass(frozen=True)
class Converted:
    """The graph; `standard_because` says why it is not an exact one, and is None where it is."""

    model: onnx.ModelProto
    standard_because: str | None

    def as_card(self) -> dict[str, str]:
        """The card's `parity.conversion`."""
        if self.standard_because is None:
            return {"way": "exact trees"}
        return {"way": "standard", "because": self.standard_because}


def convert(pipeline: Any, frame: pd.DataFrame, columns: Sequence[Column], *, token: str, name: str) -> Converted:
    """The pipeline as one ONNX graph: inputs named as the columns, outputs `label` and `probabilities` or `prediction`."""
    try:
        return Converted(folded(pipeline, frame, columns, token=token, name=name), None)
    except NotFoldable as reason:
        if any(column.datatype == "FP64" for column in columns):
            raise ConversionError(
                f"only exact trees take FP64, and this is none: {reason}. Leave it at FP32"
            ) from reason
        return Converted(to_onnx(pipeline, columns, token=token, name=name), str(reason))
