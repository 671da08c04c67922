"""Pipelines that can't be exported, or not exactly, and what has to be said of each. Used by unit tests and for docs/conversions.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
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

__all__ = ["COLUMNS", "NOT_CONVERTED", "NOT_EXACT", "Refused"]

COLUMNS = ["loanamt", "price", "apr"]
"""Those of the loan applications that they are fitted on."""


@dataclass(frozen=True)
class Refused:
    """A pipeline, not yet fitted, and what its refusal says: which step, where it stands, what is wrong, what to do."""

    make: Callable[[], Any]
    where: str
    reason: str
    way_out: str


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
    return Pipeline([("prepare", ColumnTransformer([("amounts", step, COLUMNS)])), ("score", _trees())])


def _lightgbm(**settings: Any) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1, **settings)


def _xgboost(**settings: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=3, n_jobs=1, **settings)


_SIN = FunctionTransformer(np.sin)
_DECLARE = "declare it with bankmodel.monotone"

NOT_EXACT: Mapping[str, Refused] = {
    "unknown function": Refused(
        lambda: _within(make_pipeline(StandardScaler(), _SIN)),
        "ColumnTransformer > amounts > functiontransformer: ",
        "FunctionTransformer(sin) is not known to be monotone",
        _DECLARE,
    ),
    "unknown step": Refused(
        lambda: make_pipeline(FeatureUnion([("mixed", PCA(2))]), _trees()),
        "FeatureUnion > mixed: ",
        "PCA is not known to treat each column by itself",
        _DECLARE,
    ),
    "logarithm behind a scaler": Refused(
        lambda: _within(make_pipeline(MinMaxScaler((1, 2)), FunctionTransformer(np.log))),
        "ColumnTransformer > amounts > functiontransformer: ",
        "may turn where nobody looks",
        "put it before that step",
    ),
    "encoder behind a scaler": Refused(
        lambda: _within(make_pipeline(MinMaxScaler(), OneHotEncoder(sparse_output=False, handle_unknown="ignore"))),
        "amounts > onehotencoder: ",
        "encodes numbers that a step before it has changed",
        "put it before that step",
    ),
    "declaration that is not so": Refused(
        lambda: _within(FunctionTransformer(monotone(lambda rows: np.sin(np.asarray(rows) / 20)))),
        "FunctionTransformer ",
        "is declared monotone, and turns back at values that it does not name",
        "name them as turns",
    ),
    "first guess": Refused(
        lambda: GradientBoostingClassifier(init=LogisticRegression(max_iter=500), n_estimators=3),
        "GradientBoostingClassifier: ",
        "first guess is a model of its own",
        "leave init at None",
    ),
    "linear trees": Refused(
        lambda: _lightgbm(linear_tree=True),
        "LGBMClassifier: ",
        "linear trees are not read",
        "leave linear_tree off",
    ),
    "zero for missing": Refused(
        lambda: _lightgbm(zero_as_missing=True),
        "LGBMClassifier: ",
        "takes zero for missing",
        "leave that off, and recode before it",
    ),
    "another booster": Refused(
        lambda: _xgboost(booster="dart"),
        "XGBClassifier: ",
        "dart is not read",
        "take booster='gbtree'",
    ),
    "another missing value": Refused(
        lambda: _xgboost(missing=-1.0),
        "XGBClassifier: ",
        "takes -1.0 for missing",
        "leave it at NaN",
    ),
    "steep lines of float32 scores": Refused(
        lambda: CalibratedClassifierCV(_xgboost(), method="isotonic", cv=2),
        "isotonic calibration of XGBoost",
        "with FP32 inputs alone",
        "take method='sigmoid'",
    ),
}


NOT_CONVERTED: Mapping[str, Refused] = {
    "no ONNX form": Refused(
        lambda: Pipeline([("own", Own()), ("scale", StandardScaler()), ("score", LogisticRegression())]),
        "own > Own ",
        "has no ONNX form",
        "write it as a transformer that has a method onnx_model()",
    ),
    "converter that fails, and why it is not exact": Refused(
        lambda: _within(make_pipeline(StandardScaler(), _SIN)),
        "prepare > amounts > functiontransformer > FunctionTransformer ",
        "can't be converted (RuntimeError",
        _DECLARE,
    ),
    "model without an ONNX form": Refused(
        lambda: make_pipeline(NearestCentroid()),
        "nearestcentroid > NearestCentroid ",
        "has no ONNX form",
        "Replace it, write it as a transformer",
    ),
    "ONNX of its own that can't be taken": Refused(
        lambda: Pipeline([("own", TwoInputs()), ("score", LogisticRegression())]),
        "own > TwoInputs",
        "onnx_model() has 2 inputs and 1 outputs",
        "give it one of each",
    ),
    "calibration around a pipeline": Refused(
        lambda: Pipeline(
            [("calibrated", CalibratedClassifierCV(make_pipeline(StandardScaler(), LogisticRegression()), cv=2))]
        ),
        "calibrated > CalibratedClassifierCV ",
        "around a whole Pipeline has no ONNX form",
        "put it around the last step instead",
    ),
}
