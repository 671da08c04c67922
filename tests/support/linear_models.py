"""Linear models and steps in front of them whose exact export is tried. Used by unit tests and `make verify-export`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    Ridge,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    PowerTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from support.fitted import NUMBERS
from support.tree_steps import NUMBER_STEPS

__all__ = ["CALIBRATED", "FOR_THREE", "LINEAR_CLASSIFIERS", "LINEAR_REGRESSORS", "LINEAR_STEPS"]


def _stochastic() -> Any:
    return SGDClassifier(loss="log_loss", max_iter=20, tol=None, random_state=0)


LINEAR_CLASSIFIERS: Mapping[str, Callable[[], Any]] = {
    "logistic": lambda: LogisticRegression(max_iter=300),
    "logistic, liblinear": lambda: LogisticRegression(solver="liblinear"),
    "logistic, lasso": lambda: LogisticRegression(solver="saga", l1_ratio=1.0, C=0.1, max_iter=300, tol=0.01),
    "logistic, elastic net": lambda: LogisticRegression(solver="saga", l1_ratio=0.5, max_iter=300, tol=0.01),
    "logistic, validated": lambda: LogisticRegressionCV(
        Cs=2, cv=2, l1_ratios=(0,), max_iter=300, use_legacy_attributes=False, scoring="neg_log_loss"
    ),
    "stochastic": _stochastic,
    "discriminant": LinearDiscriminantAnalysis,
}
"""Any number of classes."""
FOR_THREE: Mapping[str, Callable[[], Any]] = {
    "one against the rest": lambda: OneVsRestClassifier(LogisticRegression(solver="liblinear")),
    "three calibrated": lambda: CalibratedClassifierCV(LogisticRegression(max_iter=300), cv=2),
    "three calibrated by lines": lambda: CalibratedClassifierCV(
        LogisticRegression(max_iter=300), method="isotonic", cv=2
    ),
}
"""Three classes and more."""
CALIBRATED: Mapping[str, Callable[[], Any]] = {
    "calibrated logistic": lambda: CalibratedClassifierCV(LogisticRegression(max_iter=300), cv=3),
    "calibrated stochastic": lambda: CalibratedClassifierCV(_stochastic(), cv=3),
    "calibrated by lines": lambda: CalibratedClassifierCV(LogisticRegression(max_iter=300), method="isotonic", cv=3),
    "calibrated by temperature": lambda: CalibratedClassifierCV(
        LogisticRegression(max_iter=300), method="temperature", cv=2
    ),
    "calibrated margins": lambda: CalibratedClassifierCV(LinearSVC(), cv=2, ensemble=False),
}
"""Two classes."""
LINEAR_REGRESSORS: Mapping[str, Callable[[], Any]] = {
    "least squares": LinearRegression,
    "ridge": Ridge,
    "ridge, validated": lambda: RidgeCV(alphas=(0.1, 1.0)),
    "lasso, validated": lambda: LassoCV(cv=2, alphas=5),
    "elastic net": lambda: ElasticNet(alpha=0.01),
    "elastic net, validated": lambda: ElasticNetCV(cv=2, alphas=5),
    "bayesian ridge": BayesianRidge,
    "huber": lambda: HuberRegressor(max_iter=1_000),
    "stochastic regression": lambda: SGDRegressor(random_state=0),
    "poisson": lambda: PoissonRegressor(max_iter=1_000),
    "gamma": lambda: GammaRegressor(max_iter=1_000),
    "tweedie": lambda: TweedieRegressor(power=1.5, link="log", max_iter=1_000),
    "tweedie of identity": lambda: TweedieRegressor(power=0, max_iter=1_000),
}


def _median() -> SimpleImputer:
    return SimpleImputer(strategy="median")


def _after_median(*steps: Any) -> Callable[[], Any]:
    return lambda: make_pipeline(_median(), *steps, StandardScaler())


_FOLDED = (
    *("median", "mean", "median, flagged", "median, standard", "standard, mean", "median, min-max", "median, max-abs"),
    *("median, robust", "median, power", "median, log1p, standard", "median, negative", "median, bins"),
    *("median, one-hot bins", "median, best", "median beside flags"),
)
LINEAR_STEPS: Mapping[str, Callable[[], Any]] = {
    **{name: NUMBER_STEPS[name] for name in _FOLDED},
    "spline": _after_median(SplineTransformer()),
    "spline, linear ends": _after_median(SplineTransformer(4, degree=2, extrapolation="linear", include_bias=False)),
    "spline, open ends": _after_median(SplineTransformer(4, knots="quantile", extrapolation="continue")),
    "spline of degree 1": _after_median(SplineTransformer(6, degree=1)),
    "box-cox": lambda: ColumnTransformer([("amount", PowerTransformer(method="box-cox"), [NUMBERS[0], NUMBERS[2]])]),
    "clipped at the largest": _after_median(MaxAbsScaler(clip=True)),
    "threshold": _after_median(Binarizer(threshold=20)),
    "root": _after_median(FunctionTransformer(np.square), FunctionTransformer(np.sqrt)),
    "tanh": _after_median(StandardScaler(), FunctionTransformer(np.tanh)),
    "square": _after_median(FunctionTransformer(np.square)),
    "bins that are scaled": lambda: make_pipeline(
        _median(), KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf"), StandardScaler()
    ),
    "spline of one, bins of another": lambda: ColumnTransformer(
        [
            ("spline", make_pipeline(_median(), SplineTransformer(5)), [NUMBERS[0], NUMBERS[6]]),
            ("bins", make_pipeline(_median(), KBinsDiscretizer(6, strategy="uniform")), [NUMBERS[3]]),
            ("log", make_pipeline(_median(), FunctionTransformer(np.log1p)), [NUMBERS[6]]),
        ],
        remainder=make_pipeline(_median(), StandardScaler()),
    ),
}
"""Of one column at a time; each makes numbers that a linear model can weigh."""
