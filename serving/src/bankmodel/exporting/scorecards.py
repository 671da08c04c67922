"""Scorecards of optbinning as the pipelines that they are: bins with weights of evidence, then a linear model. And their points.

optbinning is no dependency: its objects are known by their names, and asked by their public methods.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from bankmodel.errors import UsageError

__all__ = [
    "POINTS",
    "Binned",
    "Pointed",
    "as_pipeline",
    "is_pointed",
    "is_process",
    "marks_of",
    "other_points",
    "pointed_pipeline",
]

POINTS = "points"
"""The output beside the probability, where a scorecard is scaled."""


class Binned(BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """A fitted BinningProcess that takes the variables it selected, by name; other codes and missing values as told."""

    def __init__(self, process: Any, special: Any = 0, missing: Any = 0, scorecard: Any = None) -> None:
        self.process = process
        self.special = special
        self.missing = missing
        self.scorecard = scorecard

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The selected variables: the others change no score, and need not be sent."""
        return np.asarray(self.process.get_support(names=True), object)

    @property
    def n_features_in_(self) -> int:
        return len(self.feature_names_in_)

    def fit(self, rows: Any, target: Any = None) -> "Binned":
        """It is fitted; a Pipeline wants its steps to have this."""
        return self

    def transform(self, rows: pd.DataFrame) -> Any:
        """The weight of evidence of each variable's bin, as a DataFrame."""
        return self.process.transform(rows, metric_special=self.special, metric_missing=self.missing)

    def text_names(self) -> Iterator[str]:
        """Variables binned by words: codes that look like numbers ("007") among them."""
        for name in self.feature_names_in_:
            if any(isinstance(mark, str) for mark in marks_of(self.process.get_binned_variable(name))):
                yield str(name)


class Pointed(Binned):
    """The same variables, each as the points of its bin."""

    def transform(self, rows: pd.DataFrame) -> np.ndarray:
        """The points of each variable's bin, as Scorecard.score adds them."""
        told = self.process.transform(rows, metric="indices", metric_special="empirical", metric_missing="empirical")
        table = self.scorecard.table()
        names = self.feature_names_in_
        points = (table[table.Variable == name].Points.to_numpy()[told[name].to_numpy()] for name in names)
        return np.stack(list(points), axis=1)


def as_pipeline(model: Any) -> Any:
    """The Pipeline that a Scorecard, or a Pipeline that begins with a BinningProcess, amounts to; any other model itself."""
    if _name(model) == "optbinning.Scorecard":
        return _of_scorecard(model)
    if isinstance(model, Pipeline) and is_process(model.steps[0][1]):
        (name, process), *steps = model.steps
        return Pipeline([(name, Binned(process)), *steps])
    return model


def is_process(step: Any) -> bool:
    """Whether it is optbinning's BinningProcess."""
    return _name(step) == "optbinning.BinningProcess"


def marks_of(variable: Any) -> list[Any]:
    """The numbers at which a fitted variable's bins end, or the words that they hold; and the special codes."""
    found = variable.splits
    ends = list(found) if variable.dtype == "numerical" else [word for words in found for word in words]
    special = variable.special_codes
    codes = special.values() if isinstance(special, Mapping) else special or ()
    return ends + [each for code in codes for each in (code if isinstance(code, list | np.ndarray) else [code])]


def pointed_pipeline(pipeline: Any) -> Pipeline | None:
    """The steps whose features add up to the points; None where no scaled scorecard is exported."""
    if not is_pointed(pipeline):
        return None
    first = pipeline.steps[0][1]
    return Pipeline([("points", Pointed(first.process, scorecard=first.scorecard)), ("sum", "passthrough")])


def is_pointed(pipeline: Any) -> bool:
    """Whether this is a scorecard whose file answers points."""
    first = pipeline.steps[0][1] if isinstance(pipeline, Pipeline) else None
    return isinstance(first, Binned) and first.scorecard is not None


def other_points(pipeline: Any, rows: pd.DataFrame, answers: Mapping[str, np.ndarray]) -> str | None:
    """Why nothing may be written, where the file's `answers` give a row other points than the scorecard gives it."""
    card = pipeline.steps[0][1].scorecard
    every_variable = rows.reindex(columns=list(card.binning_process_.variable_names))  # of which it takes the selected
    expected = np.asarray(card.score(every_variable), np.float64)
    off = int((~np.isclose(answers[POINTS].reshape(-1), expected, rtol=_SHARE, atol=_SHARE)).sum())
    if not off:
        return None
    return f"the ONNX file gives {off} of {len(expected)} rows other points than the scorecard; nothing was written"


_SHARE = 1e-6


def _of_scorecard(card: Any) -> Pipeline:
    if not getattr(card, "_is_fitted", False):
        raise UsageError("the Scorecard is not fitted; call fit() before export")
    process = card.binning_process_
    step = Binned(process, card._metric_special, card._metric_missing, None if card.scaling_method is None else card)
    if step.scorecard is not None and POINTS in step.feature_names_in_:
        raise UsageError(f"variable {POINTS!r} has the name of an output of the model; rename it and fit again")
    return Pipeline([("bins", step), ("score", card.estimator_)])


def _name(model: Any) -> str:
    kind = type(model)
    return f"{kind.__module__.split('.')[0]}.{kind.__name__}"
