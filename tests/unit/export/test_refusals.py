"""Every refusal says which step it is about and where that stands, what is wrong, and what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from onnx import parser
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from bankmodel import monotone
from bankmodel.errors import BankModelError
from bankmodel.exporting.export import export
from support.fitted import applications, decisions

_COLUMNS = ["loanamt", "price", "apr"]


class Own(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """Nobody knows what it does."""

    def fit(self, rows: Any, target: Any = None) -> Self:
        self.fitted_ = True
        return self

    def transform(self, rows: Any) -> Any:
        return np.asarray(rows) + 1


class TwoInputs(Own):
    """It brings an ONNX form that can't be taken."""

    def onnx_model(self) -> Any:
        """Of two inputs."""
        return parser.parse_model(
            '<ir_version: 8, opset_import: ["": 15]> s (float[N] a, float[N] b) => (float[N] c) { c = Add (a, b) }'
        )


def _trees() -> Any:
    return HistGradientBoostingClassifier(max_iter=3, random_state=0)


def _within(step: Any) -> Any:
    return Pipeline([("prepare", ColumnTransformer([("amounts", step, _COLUMNS)])), ("score", _trees())])


def _lightgbm(**settings: Any) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1, **settings)


def _xgboost(**settings: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=3, n_jobs=1, **settings)


_SIN = FunctionTransformer(np.sin)
_DECLARE = "declare it with bankmodel.monotone"

_EXACT: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "unknown function": (
        lambda: _within(make_pipeline(StandardScaler(), _SIN)),
        ("ColumnTransformer > amounts > functiontransformer: ", "(sin) is not known to be monotone", _DECLARE),
    ),
    "unknown step": (
        lambda: make_pipeline(FeatureUnion([("mixed", PCA(2))]), _trees()),
        ("FeatureUnion > mixed: ", "PCA is not known to treat each column by itself", _DECLARE),
    ),
    "logarithm behind a scaler": (
        lambda: _within(make_pipeline(MinMaxScaler((1, 2)), FunctionTransformer(np.log))),
        ("ColumnTransformer > amounts > ", "may turn where nobody looks", "put it before that step"),
    ),
    "encoder behind a scaler": (
        lambda: _within(make_pipeline(MinMaxScaler(), OneHotEncoder(sparse_output=False, handle_unknown="ignore"))),
        ("amounts > onehotencoder: ", "encodes numbers that a step before it has changed", "put it before that step"),
    ),
    "declaration that is not so": (
        lambda: _within(FunctionTransformer(monotone(lambda rows: np.sin(np.asarray(rows) / 20)))),
        ("FunctionTransformer is declared monotone", "turns back", "name them as turns"),
    ),
    "first guess": (
        lambda: GradientBoostingClassifier(init=LogisticRegression(max_iter=500), n_estimators=3),
        ("GradientBoostingClassifier: ", "first guess is a model of its own", "leave init at None"),
    ),
    "linear trees": (
        lambda: _lightgbm(linear_tree=True),
        ("LGBMClassifier: ", "linear trees are not read", "leave linear_tree off"),
    ),
    "zero for missing": (
        lambda: _lightgbm(zero_as_missing=True),
        ("LGBMClassifier: ", "takes zero for missing", "leave that off, and recode before it"),
    ),
    "another booster": (
        lambda: _xgboost(booster="dart"),
        ("XGBClassifier: ", "dart is not read", "take booster='gbtree'"),
    ),
    "another missing value": (
        lambda: _xgboost(missing=-1.0),
        ("XGBClassifier: ", "takes -1.0 for missing", "leave it at NaN"),
    ),
    "steep lines of float32 scores": (
        lambda: CalibratedClassifierCV(_xgboost(), method="isotonic", cv=2),
        ("isotonic calibration of XGBoost", "with FP32 inputs alone", "take method='sigmoid'"),
    ),
}


@pytest.mark.parametrize(("make", "parts"), _EXACT.values(), ids=_EXACT)
def test_what_is_not_exact_says_where_why_and_what_to_do(
    make: Callable[[], Any], parts: tuple[str, ...], tmp_path: Path
) -> None:
    """FP64 takes an exact form alone, so that the reason there is none is a refusal."""
    assert [] == [part for part in (*parts, "only exact trees") if part not in _refusal(make(), tmp_path, "FP64")]


_STANDARD: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "no ONNX form": (
        lambda: Pipeline([("own", Own()), ("scale", StandardScaler()), ("score", LogisticRegression())]),
        ("own > Own has no ONNX form", "a method onnx_model()"),
    ),
    "converter that fails, and why it is not exact": (
        lambda: _within(make_pipeline(StandardScaler(), _SIN)),
        ("prepare > amounts > functiontransformer > FunctionTransformer can't be converted (RuntimeError", _DECLARE),
    ),
    "model without an ONNX form": (lambda: make_pipeline(NearestCentroid()), ("nearestcentroid > NearestCentroid",)),
    "ONNX of its own that can't be taken": (
        lambda: Pipeline([("own", TwoInputs()), ("score", LogisticRegression())]),
        ("own > TwoInputs.onnx_model() has 2 inputs and 1 outputs", "give it one of each"),
    ),
    "calibration around a pipeline": (
        lambda: Pipeline(
            [("calibrated", CalibratedClassifierCV(make_pipeline(StandardScaler(), LogisticRegression()), cv=2))]
        ),
        ("calibrated > CalibratedClassifierCV around a whole Pipeline", "put it around the last step instead"),
    ),
}


@pytest.mark.parametrize(("make", "parts"), _STANDARD.values(), ids=_STANDARD)
def test_what_can_t_be_converted_says_where_why_and_what_to_do(
    make: Callable[[], Any], parts: tuple[str, ...], tmp_path: Path
) -> None:
    assert [] == [part for part in parts if part not in _refusal(make(), tmp_path)]


def _refusal(pipeline: Any, folder: Path, numbers: Any = "FP32") -> str:
    frame: pd.DataFrame = applications()[_COLUMNS]
    with pytest.raises(BankModelError) as refusal:
        export(pipeline.fit(frame, decisions()), frame, folder / "model.onnx", numbers=numbers)
    return str(refusal.value)
