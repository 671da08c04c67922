"""Choose the way to ONNX: trees and linear models exactly, where that is known to be possible; the rest the standard way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import onnx
import pandas as pd

from bankmodel.errors import ConversionError
from bankmodel.exporting.additive import added_up, is_linear
from bankmodel.exporting.convert import to_onnx
from bankmodel.exporting.deciding import deciding_in_double
from bankmodel.exporting.schema import Column
from bankmodel.exporting.steps import last_step
from bankmodel.exporting.trees import NotFoldable, folded
from bankmodel.progress import Progress, silent

__all__ = ["Converted", "convert"]


@dataclass(frozen=True)
class Converted:
    """The graph, and the way to it; `standard_because` says why it is not an exact one, and is None where it is."""

    model: onnx.ModelProto
    way: str
    standard_because: str | None = None
    decides_in_double: bool = False

    def as_card(self) -> dict[str, str]:
        """The card's `parity.conversion`."""
        because = {"because": self.standard_because} if self.standard_because else {}
        return {"way": self.way} | because | ({"decisions": "in double"} if self.decides_in_double else {})

    def deciding(self, *, index: int, cutoff: float) -> "Converted":
        """An exact classifier whose rounded score of class `index` is on the same side of `cutoff` as the pipeline's."""
        model = deciding_in_double(self.model, index=index, cutoff=cutoff)
        return replace(self, model=model, decides_in_double=True)


def convert(
    pipeline: Any,
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    token: str,
    name: str,
    progress: Progress = silent,
) -> Converted:
    """The pipeline as one ONNX graph: inputs named as the columns, outputs `label` and `probabilities` or `prediction`."""
    try:
        if is_linear(last_step(pipeline)):
            return Converted(added_up(pipeline, frame, columns, token=token, name=name), "exact linear")
        return Converted(folded(pipeline, frame, columns, token=token, name=name, progress=progress), "exact trees")
    except NotFoldable as reason:
        if any(column.datatype == "FP64" for column in columns):
            raise ConversionError(
                f"only exact trees and linear models take FP64, and this is none: {reason}. Leave it at FP32"
            ) from reason
        return Converted(_standard(pipeline, columns, reason, token=token, name=name), "standard", str(reason))


def _standard(
    pipeline: Any, columns: Sequence[Column], reason: NotFoldable, *, token: str, name: str
) -> onnx.ModelProto:
    try:
        return to_onnx(pipeline, columns, token=token, name=name)
    except ConversionError as refusal:
        raise ConversionError(f"{refusal}. Nor has it an exact form: {reason}") from refusal
