"""Run an ONNX file here as the scoring container will: with its engine, so that what is compared is what will answer."""

from collections.abc import Mapping

import numpy as np

from bankmodel.errors import ConversionError, UsageError
from bankmodel_serving.engine import Engine, session_options
from bankmodel_serving.errors import InferenceFailed, ModelInvalid
from bankmodel_serving.runtime import onnxruntime

__all__ = ["Runner"]


class Runner:
    """A loaded model; `run` maps input arrays to output arrays by name."""

    def __init__(self, model: bytes) -> None:
        try:
            session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise ConversionError(
                f"onnxruntime {onnxruntime.__version__} can't load this file: {str(error)[:200]}; "
                "is it a complete ONNX file, written for this or an older version?"
            ) from error
        try:
            self._engine = Engine(session)
        except ModelInvalid as error:
            raise UsageError(f"the scoring container can't serve this file: {error}") from error

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs for these rows; refused with the inputs' names and types when the model does not take them."""
        try:
            answers = self._engine.run([feeds[put.name] for put in self._engine.inputs])
        except InferenceFailed as error:
            given = ", ".join(f"{name} {array.dtype}{list(array.shape)}" for name, array in feeds.items())
            raise ConversionError(f"the ONNX file does not run on the sample: {error}; given {given[:300]}") from error
        return dict(zip((put.name for put in self._engine.outputs), answers, strict=True))
