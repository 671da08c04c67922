"""NVIDIA's Triton server as PyPI has it (nvidia-pytriton: the C++ server, with its Python backend alone) and onnxruntime in Python."""

import os

import numpy as np
import onnxruntime
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

_OPTIONS = onnxruntime.SessionOptions()
_OPTIONS.intra_op_num_threads = 1
_SESSION = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], _OPTIONS, providers=["CPUExecutionProvider"])
_INPUTS, _OUTPUTS = _SESSION.get_inputs(), [each.name for each in _SESSION.get_outputs()]
_WORDS = {each.name for each in _INPUTS if "string" in each.type}


def _infer(requests: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    return [_answer(request) for request in requests]


def _answer(request: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    feeds = {
        name: np.char.decode(array.astype(bytes), "utf-8").astype(object) if name in _WORDS else array
        for name, array in request.items()
    }
    return dict(zip(_OUTPUTS, _SESSION.run(_OUTPUTS, feeds), strict=True))


if __name__ == "__main__":
    http, grpc, metrics = (int(os.environ[f"BENCH_{name}"]) for name in ("PORT", "GRPC_PORT", "METRICS_PORT"))
    loopback = "127.0.0.1"
    config = TritonConfig(
        http_address=loopback,
        http_port=http,
        grpc_address=loopback,
        grpc_port=grpc,
        metrics_port=metrics,
        exit_on_error=True,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="m",
            infer_func=_infer,
            inputs=[
                Tensor(name=each.name, dtype=bytes if each.name in _WORDS else np.float32, shape=(-1, each.shape[1]))
                for each in _INPUTS
            ],
            outputs=[
                Tensor(
                    name=name,
                    dtype=np.int64 if name == "label" else np.float32,
                    shape=(-1,) if name == "label" else (-1, 2),
                )
                for name in _OUTPUTS
            ],
            config=ModelConfig(batching=False),
        )
        triton.serve()
