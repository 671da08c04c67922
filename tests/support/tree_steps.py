"""Ways to prepare loan applications for a tree model, each of one column at a time. Used by unit tests and `make verify-export`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

__all__ = ["NUMBER_STEPS", "PASSING_MISSING", "WORD_STEPS", "prepared"]


def _median(**settings: Any) -> SimpleImputer:
    return SimpleImputer(strategy="median", **settings)


NUMBER_STEPS: Mapping[str, Callable[[], Any]] = {
    "median": _median,
    "mean": SimpleImputer,
    "median, flagged": lambda: _median(add_indicator=True),
    "median, standard": lambda: make_pipeline(_median(), StandardScaler()),
    "standard, mean": lambda: make_pipeline(StandardScaler(), SimpleImputer()),
    "median, min-max": lambda: make_pipeline(_median(), MinMaxScaler(clip=True)),
    "median, max-abs": lambda: make_pipeline(_median(), MaxAbsScaler()),
    "median, robust": lambda: make_pipeline(_median(), RobustScaler()),
    "median, power": lambda: make_pipeline(_median(), PowerTransformer()),
    "median, quantile": lambda: make_pipeline(_median(), QuantileTransformer(n_quantiles=50)),
    "median, normal quantile": lambda: make_pipeline(
        _median(), QuantileTransformer(n_quantiles=50, output_distribution="normal")
    ),
    "median, log1p, standard": lambda: make_pipeline(_median(), FunctionTransformer(np.log1p), StandardScaler()),
    "median, negative": lambda: make_pipeline(_median(), FunctionTransformer(np.negative)),
    "median, bins": lambda: make_pipeline(_median(), KBinsDiscretizer(5, encode="ordinal", strategy="uniform")),
    "median, one-hot bins": lambda: make_pipeline(_median(), KBinsDiscretizer(5, strategy="uniform")),
    "median, best": lambda: make_pipeline(_median(), StandardScaler(), SelectKBest(k=4)),
    "median beside flags": lambda: FeatureUnion([("values", _median()), ("flags", MissingIndicator(features="all"))]),
    "-1 imputed": lambda: make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1), SimpleImputer(missing_values=-1, add_indicator=True)
    ),
}
PASSING_MISSING: Mapping[str, Callable[[], Any]] = {
    "nothing": lambda: "passthrough",
    "standard": StandardScaler,
    "log1p": lambda: FunctionTransformer(np.log1p),
    "power": PowerTransformer,
}
"""For models that take missing values."""
WORD_STEPS: Mapping[str, Callable[[], Any]] = {
    "one-hot": lambda: make_pipeline(
        SimpleImputer(strategy="constant", fill_value="unknown"), OneHotEncoder(handle_unknown="ignore")
    ),
    "one-hot with missing": lambda: OneHotEncoder(handle_unknown="ignore"),
    "one-hot, first dropped": lambda: OneHotEncoder(drop="first", handle_unknown="ignore"),
    "one-hot, rare together": lambda: OneHotEncoder(min_frequency=400, handle_unknown="infrequent_if_exist"),
    "ordinal": lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    "ordinal, scaled": lambda: make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=7), StandardScaler()
    ),
    "target": lambda: TargetEncoder(cv=3),
}


def prepared(numbers: Any, words: Any, number_columns: list[str], word_columns: list[str]) -> ColumnTransformer:
    """Numbers the one way, words the other."""
    return ColumnTransformer([("numbers", numbers, number_columns), ("words", words, word_columns)], sparse_threshold=0)
