"""Walk through the fitted steps of a pipeline, and make a copy of it that the converters accept."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

__all__ = ["convertible_copy", "fitted_steps", "last_step", "text_missing_as_none"]


def fitted_steps(pipeline: Any) -> Iterator[BaseEstimator]:
    """Every estimator in the pipeline, itself included, however deep."""
    yield from _walk(pipeline, set())


def last_step(pipeline: Any) -> Any:
    """The estimator that scores: the last step of a Pipeline, else the estimator itself."""
    while hasattr(pipeline, "steps"):
        pipeline = pipeline.steps[-1][1]
    return pipeline


def text_missing_as_none(pipeline: Any) -> bool:
    """Whether the pipeline was fitted with None, rather than NaN, for missing text."""
    return any(_imputes_text(step) and step.missing_values is None for step in fitted_steps(pipeline))


def convertible_copy(pipeline: Any, token: str) -> Any:
    """A copy in which missing text is `token`: ONNX has no missing strings, and the converter of SimpleImputer says
    "implemented when the missing values are string". The pipeline itself is left as it was fitted.
    """
    twin = copy.deepcopy(pipeline)
    for step in fitted_steps(twin):
        if _imputes_text(step):
            step.missing_values = token
        elif isinstance(step, OneHotEncoder | OrdinalEncoder) and hasattr(step, "categories_"):
            step.categories_ = [_with_token(categories, token) for categories in step.categories_]
    return twin


def _walk(value: Any, seen: set[int]) -> Iterator[BaseEstimator]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item, seen)
    elif isinstance(value, BaseEstimator):
        yield value
        yield from _walk(list(vars(value).values()), seen)


def _imputes_text(step: BaseEstimator) -> bool:
    return isinstance(step, SimpleImputer) and hasattr(step, "statistics_") and step.statistics_.dtype == object


def _with_token(categories: np.ndarray, token: str) -> np.ndarray:
    if categories.dtype != object:
        return categories
    return np.array([token if _is_missing(value) else value for value in categories], dtype=object)


def _is_missing(value: Any) -> bool:
    return value is None or value != value
