"""What a model answers: `session.run` on the same rows. A contender is compared with it before it is timed."""

from collections.abc import Mapping

import numpy as np

from bankmodel_serving.engine import session_options
from bankmodel_serving.runtime import onnxruntime
from bench.errors import WrongAnswer
from bench.reference import ReferenceModel
from bench.rows import Feeds

__all__ = ["Truth"]


class Truth:
    """The answers of one model."""

    def __init__(self, model: ReferenceModel) -> None:
        self._session = onnxruntime.InferenceSession(
            str(model.path), session_options(), providers=["CPUExecutionProvider"]
        )
        self._outputs = [output.name for output in self._session.get_outputs()]

    def check(self, name: str, feeds: Feeds, seen: Mapping[str, np.ndarray]) -> None:
        """Raise WrongAnswer unless SEEN has every output of the model, equal to the bit."""
        for output, expected in zip(self._outputs, self._session.run(None, feeds), strict=True):
            if output not in seen:
                raise WrongAnswer(f"{name} answers without {output}")
            got = np.asarray(seen[output]).reshape(-1).astype(expected.dtype)
            if not np.array_equal(expected.reshape(-1), got):
                raise WrongAnswer(
                    f"{name} answers {output} = {got[:4].tolist()}, session.run {expected.reshape(-1)[:4].tolist()}"
                )
