"""Run an ONNX file here as the scoring container would: CPU, one thread, since more threads change results."""

from collections.abc import Mapping

import numpy as np

from bankmodel.errors import ConversionError
from bankmodel_serving.runtime import onnxruntime

__all__ = ["Runner"]


class Runner:
    """A loaded model; `run` maps input arrays to output arrays by name."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise ConversionError(
                f"onnxruntime {onnxruntime.__version__} can't load this file: {str(error)[:200]}; "
                "is it a complete ONNX file, written for this or an older version?"
            ) from error
        self._outputs = [put.name for put in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs for these rows; refused with the inputs' names and types when the model does not take them."""
        try:
            answers = self._session.run(self._outputs, dict(feeds))
        except Exception as error:
            given = ", ".join(f"{name} {array.dtype}{list(array.shape)}" for name, array in feeds.items())
            raise ConversionError(
                f"the ONNX file does not run on the sample: {str(error)[:300]}; given {given[:300]}"
            ) from error
        return dict(zip(self._outputs, answers, strict=True))
