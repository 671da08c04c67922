"""Where in a pipeline a step is, and which one a converter stumbled over: so that a refusal can say it."""

import traceback
from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator

__all__ = ["path_to", "step_behind"]


def path_to(pipeline: Any, step: Any) -> str:
    """The names on the way to the step, and what it is: `prepare > numbers > Log`."""
    return " > ".join([*(_names(pipeline, step, 0) or ()), type(step).__name__])


def step_behind(error: Exception) -> Any | None:
    """The fitted step that was converted when the error was raised, if the converter's calls tell."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        operator, model = frame.f_locals.get("operator"), frame.f_locals.get("model")
        candidate = getattr(operator, "raw_operator", model)
        found = candidate if isinstance(candidate, BaseEstimator) else found
    return found


_DEEPEST = 20


def _names(holder: Any, step: Any, depth: int) -> tuple[str, ...] | None:
    if holder is step:
        return ()
    if depth < _DEEPEST:
        for name, part in _parts(holder):
            below = _names(part, step, depth + 1)
            if below is not None:
                return (name, *below)
    return None


def _parts(holder: Any) -> Iterator[tuple[str, Any]]:
    """What it is made of, by the names that its author gave; folds are counted."""
    for kind in ("steps", "transformers_", "transformer_list", "estimators"):
        for part in getattr(holder, kind, None) or ():
            if isinstance(part, tuple) and len(part) > 1:
                yield str(part[0]), part[1]
    for number, part in enumerate(getattr(holder, "calibrated_classifiers_", ()), 1):
        yield f"fold {number}", part.estimator
    if isinstance(getattr(holder, "estimator", None), BaseEstimator):
        yield "estimator", holder.estimator
