"""KServe's Python server with a custom model on onnxruntime: it has no ONNX server of its own."""

import os
import sys

import numpy as np
import onnxruntime
from kserve import InferInput, InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid


class OnnxModel(Model):
    """Runs the file that the environment names."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = os.environ["BENCH_MODEL"]
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._outputs = [
            (each.name, "INT64" if "int64" in each.type else "FP32") for each in self._session.get_outputs()
        ]
        self.ready = True

    async def predict(self, payload: InferRequest, headers: dict[str, str] | None = None) -> InferResponse:
        """All outputs."""
        answers = self._session.run(None, {each.name: _array(each) for each in payload.inputs})
        outputs = []
        for (name, datatype), array in zip(self._outputs, answers, strict=True):
            output = InferOutput(name=name, shape=list(array.shape), datatype=datatype)
            output.set_data_from_numpy(array, binary_data=False)
            outputs.append(output)
        return InferResponse(response_id=payload.id or generate_uuid(), model_name=self.name, infer_outputs=outputs)


def _array(given: InferInput) -> np.ndarray:
    array = given.as_numpy()
    if given.datatype != "BYTES":
        return array
    return np.array([each.decode() if isinstance(each, bytes) else each for each in array.flat], object).reshape(
        array.shape
    )


if __name__ == "__main__":
    http_port, grpc_port = (int(os.environ[name]) for name in ("BENCH_PORT", "BENCH_GRPC_PORT"))
    ModelServer(http_port=http_port, grpc_port=grpc_port, workers=1, access_log_format=None).start([OnnxModel("m")])
    sys.exit(0)
