"""The way from a caller's row to the model that scores it: the steps in front, through pipelines in pipelines."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

__all__ = ["Branch", "way_to"]


@dataclass(frozen=True)
class Branch:
    """Steps that run one after the other, and what the model behind them casts a feature to."""

    steps: tuple[Any, ...]
    dtype: np.dtype


def way_to(pipeline: Any) -> tuple[tuple[Any, ...], Any]:
    """What runs before the model, and the model."""
    steps: list[Any] = []
    while True:
        if isinstance(pipeline, FrozenEstimator):
            pipeline = pipeline.estimator
        elif hasattr(pipeline, "steps"):
            steps += [step for _, step in pipeline.steps[:-1] if step is not None and step != "passthrough"]
            pipeline = pipeline.steps[-1][1]
        else:
            break
    if getattr(pipeline, "_preprocessor", None) is not None:  # HistGradientBoosting encodes its categories itself
        steps.append(pipeline._preprocessor)
    return tuple(steps), pipeline
