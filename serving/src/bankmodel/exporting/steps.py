"""Walk through the fitted steps of a pipeline, and make a copy of it that the converters accept."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

__all__ = ["convertible_copy", "fitted_as_text", "fitted_steps", "last_step", "text_missing_as_none", "weighs_features"]


def fitted_steps(pipeline: Any) -> Iterator[BaseEstimator]:
    """Every estimator in the pipeline, itself included, however deep."""
    yield from _walk(pipeline, set())


def last_step(pipeline: Any) -> Any:
    """The estimator that scores: the last step of a Pipeline, else the estimator itself."""
    while hasattr(pipeline, "steps"):
        pipeline = pipeline.steps[-1][1]
    return pipeline


def weighs_features(pipeline: Any) -> bool:
    """Whether the model is a linear one, or made of linear ones."""
    model = last_step(pipeline)
    calibrated = [part.estimator for part in getattr(model, "calibrated_classifiers_", ())]
    parts = [*calibrated, *getattr(model, "estimators_", ())]
    return all(hasattr(part, "coef_") for part in parts or [model])


def text_missing_as_none(pipeline: Any) -> bool:
    """Whether the pipeline was fitted with None, rather than NaN, for missing text."""
    return any(_imputes_text(step) and step.missing_values is None for step in fitted_steps(pipeline))


def fitted_as_text(pipeline: Any) -> frozenset[str]:
    """The named columns in which an encoder or imputer has seen text: codes that look like numbers ("007") among them."""
    blocks = [step for step in fitted_steps(pipeline) if isinstance(step, ColumnTransformer)]
    parts = [(step, names) for block in blocks for _, step, names in getattr(block, "transformers_", ())]
    binned = (step for step in fitted_steps(pipeline) if hasattr(step, "text_names"))
    told = (name for step in binned for name in step.text_names())
    return frozenset((*told, *(str(name) for step, names in parts for name in _text_names(step, names))))


def convertible_copy(pipeline: Any, token: str) -> Any:
    """A copy in which missing text is `token`: ONNX has no missing strings, and the converter of SimpleImputer says
    "implemented when the missing values are string". The pipeline itself is left as it was fitted.
    """
    twin = _thawed(copy.deepcopy(pipeline), set())
    for step in fitted_steps(twin):
        if _imputes_text(step):
            step.missing_values = token
        elif isinstance(step, OneHotEncoder | OrdinalEncoder) and hasattr(step, "categories_"):
            step.categories_ = [_with_token(categories, token) for categories in step.categories_]
        elif type(step).__module__.startswith("xgboost") and step.__sklearn_is_fitted__():
            step.get_booster().feature_names = None  # the converter reads them as column numbers: f0, f1, …
    return twin


def _walk(value: Any, seen: set[int]) -> Iterator[BaseEstimator]:
    """`seen` holds estimators only: a list made on the way is gone soon, and its id would mark another object as seen."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item, seen)
    elif _has_parts(value) and id(value) not in seen:
        seen.add(id(value))
        if isinstance(value, BaseEstimator):
            yield value
        yield from _walk(list(vars(value).values()), seen)


def _thawed(value: Any, seen: set[int]) -> Any:
    """`value` with each FrozenEstimator replaced by what it holds: freezing matters to fit() alone, and has no converter."""
    if isinstance(value, FrozenEstimator):
        return _thawed(value.estimator, seen)
    if isinstance(value, list | tuple):
        return type(value)(_thawed(item, seen) for item in value)
    if _has_parts(value) and id(value) not in seen:
        seen.add(id(value))
        for name, part in vars(value).items():
            setattr(value, name, _thawed(part, seen))
    return value


def _text_names(block: Any, names: Any) -> list[Any]:
    """Those of the block's columns whose categories or imputed values are text; none where columns went in by position."""
    if not isinstance(names, list | tuple | np.ndarray):
        return []
    encoders = [step for step in _walk(block, set()) if len(getattr(step, "categories_", ())) == len(names)]
    known = [[value for step in encoders for value in step.categories_[index]] for index in range(len(names))]
    return [
        name
        for name, values in zip(names, known, strict=True)
        if isinstance(name, str) and any(isinstance(value, str) for value in values)
    ]


def _has_parts(value: Any) -> bool:
    """Estimators, and scikit-learn's holders of them that are none, such as the fitted parts of a CalibratedClassifierCV."""
    return hasattr(value, "__dict__") and (
        isinstance(value, BaseEstimator) or type(value).__module__.startswith("sklearn.calibration")
    )


def _imputes_text(step: BaseEstimator) -> bool:
    return isinstance(step, SimpleImputer) and hasattr(step, "statistics_") and step.statistics_.dtype == object


def _with_token(categories: np.ndarray, token: str) -> np.ndarray:
    if categories.dtype != object:
        return categories
    return np.array([token if _is_missing(value) else value for value in categories], dtype=object)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
