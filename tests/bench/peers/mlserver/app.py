"""An ONNX runtime for MLServer: it has none of its own, so this is a custom MLModel with its codecs."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput


class OnnxRuntime(MLModel):
    """Runs the file that the model settings' `uri` names."""

    async def load(self) -> bool:
        """Open the session."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = self.settings.parameters.uri
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._outputs = [each.name for each in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """All outputs."""
        answers = self._session.run(self._outputs, {each.name: _array(each) for each in payload.inputs})
        return InferenceResponse(
            model_name=self.name,
            outputs=[NumpyCodec.encode_output(*each) for each in zip(self._outputs, answers, strict=True)],
        )


def _array(given: RequestInput) -> np.ndarray:
    if given.datatype == "BYTES":
        return np.array(StringCodec.decode_input(given), dtype=object).reshape(given.shape)
    return NumpyCodec.decode_input(given)
