"""What the pipeline's score is: a probability of one class, or a regressor's prediction; and how to get it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from bankmodel.errors import UsageError
from bankmodel.exporting.steps import last_step

__all__ = ["Scorer", "scorer_of"]


@dataclass(frozen=True)
class Scorer:
    """The score output's name in the ONNX file, and the column of the class that is the score (None: a regressor)."""

    pipeline: Any
    output: str
    class_index: int | None
    classes: tuple[Any, ...]

    @property
    def index(self) -> int:
        """The score's column in the [rows, classes] matrix that `predict` returns."""
        return self.class_index or 0

    def predict(self, rows: Any) -> np.ndarray:
        """Scores of the pipeline itself as a [rows, classes] matrix."""
        if self.class_index is None:
            return np.asarray(self.pipeline.predict(rows), dtype=np.float64).reshape(-1, 1)
        return np.asarray(self.pipeline.predict_proba(rows), dtype=np.float64)


def scorer_of(pipeline: Any, positive: str | None) -> Scorer:
    """How `pipeline` scores; `positive` names the class whose probability is the score (default: the second of two)."""
    _refuse_unfitted(pipeline)
    if not hasattr(pipeline, "classes_"):
        return Scorer(pipeline, "prediction", None, ())
    if not hasattr(pipeline, "predict_proba"):
        raise UsageError(
            f"{type(last_step(pipeline)).__name__} gives no probabilities; "
            "wrap it in sklearn.calibration.CalibratedClassifierCV and fit again"
        )
    classes = tuple(item.item() if isinstance(item, np.generic) else item for item in pipeline.classes_)
    return Scorer(pipeline, "probabilities", _positive_index(classes, positive), classes)


def _refuse_unfitted(pipeline: Any) -> None:
    if not hasattr(pipeline, "predict"):
        raise UsageError(f"a {type(pipeline).__name__} can't score; give a fitted scikit-learn pipeline")
    try:
        check_is_fitted(pipeline)
    except NotFittedError as error:
        raise UsageError(f"the pipeline ({type(pipeline).__name__}) is not fitted; call fit() before export") from error


def _positive_index(classes: tuple[Any, ...], positive: str | None) -> int:
    named = [str(item) for item in classes]
    if positive is not None and str(positive) in named:
        return named.index(str(positive))
    if positive is not None:
        raise UsageError(f"the model has no class {positive!r}; its classes are {', '.join(named)}")
    if len(classes) != 2:
        raise UsageError(
            f"the model has {len(classes)} classes ({', '.join(named)}); name the scored one with --positive"
        )
    return 1
