"""BentoML with onnxruntime: a service with one API. Run by `bentoml serve`, one worker."""

import os
from typing import Any

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Scorer:
    """Runs the file that the environment names."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = os.environ["BENCH_MODEL"]
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs = {
            each.name: object if "string" in each.type else np.float32 for each in self._session.get_inputs()
        }
        self._outputs = [each.name for each in self._session.get_outputs()]

    @bentoml.api
    async def score(self, rows: list[Any]) -> dict[str, Any]:
        """All outputs, by name."""
        answers = self._session.run(self._outputs, self._feeds(rows))
        return {name: array.tolist() for name, array in zip(self._outputs, answers, strict=True)}

    def _feeds(self, rows: list[Any]) -> dict[str, np.ndarray]:
        if isinstance(rows[0], list):
            return {"X": np.array(rows, dtype=np.float32)}
        return {name: np.array([[row[name]] for row in rows], dtype=kind) for name, kind in self._inputs.items()}
