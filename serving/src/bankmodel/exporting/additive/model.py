"""Read fitted linear models as plain arrays. No library is imported that the model does not come from."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from bankmodel.exporting.trees.calibration import Lines, Sigmoids, Temperatures
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.members import calibrators_of

__all__ = ["Linear", "Link", "is_linear", "read_linear"]


class Link(Enum):
    """How sums become a score."""

    IDENTITY = "the sum itself"
    EXP = "its exponential"
    SOFTMAX = "softmax of a sum for each class; of two classes the first one's is 0"
    ONE_AGAINST_REST = "a logistic for each class, divided by all of them"
    MEAN_LOGISTIC = "a logistic for each class of each member, and the mean of what they say"
    MEAN_LINES = "the same with lines through points for the logistics"


@dataclass(frozen=True)
class Linear:
    """Sums of features: `coefficients` [sums, features]. `classes` is empty for a regressor."""

    coefficients: np.ndarray
    intercepts: np.ndarray
    link: Link
    classes: tuple[Any, ...] = ()
    lines: Lines | None = None


def is_linear(model: Any) -> bool:
    """Whether the last step is a linear model, or calibrates one."""
    if _name(model) == _CALIBRATED:
        parts = getattr(model, "calibrated_classifiers_", [])
        return bool(parts) and all(_name(_thawed(part.estimator)) in _MARGINS for part in parts)
    if _name(model) == _ONE_AGAINST_REST:
        return all(_name(part) in _READERS for part in getattr(model, "estimators_", [None]))
    return _name(model) in _READERS


def read_linear(model: Any) -> Linear:
    """The sums of a fitted model; refused where its probabilities are made in a way that is not known here."""
    if _name(model) == _CALIBRATED:
        return _calibration(model)
    if _name(model) == _ONE_AGAINST_REST:
        return _one_against_rest(model)
    return _READERS[_name(model)](model)


def _name(model: Any) -> str:
    kind = type(model)
    return f"{kind.__module__.split('.')[0]}.{kind.__name__}"


def _regression(model: Any) -> Linear:
    coefficients = _dense(model.coef_)
    if coefficients.ndim > 1 and len(coefficients) != 1:
        raise NotFoldable(f"{type(model).__name__} predicts {len(coefficients)} targets", "fit a model for each")
    return Linear(coefficients.reshape(1, -1), _intercepts(model, 1), Link.IDENTITY)


def _generalised(model: Any) -> Linear:
    """Poisson, gamma and Tweedie regression."""
    links = {"LogLink": Link.EXP, "IdentityLink": Link.IDENTITY}
    name = type(model._base_loss.link).__name__
    if name not in links:
        raise NotFoldable(f"{type(model).__name__} with {name} is not read", "take link='log' or 'identity'")
    return Linear(np.asarray(model.coef_, np.float64).reshape(1, -1), _intercepts(model, 1), links[name])


def _logistic(model: Any) -> Linear:
    way = getattr(model, "multi_class", "auto")  # of a scikit-learn before 1.8
    if way not in ("auto", "deprecated") or (len(model.classes_) > 2 and getattr(model, "solver", "") == "liblinear"):
        raise NotFoldable(
            f"{type(model).__name__}(multi_class={way!r}) is not read", "put OneVsRestClassifier around it"
        )
    return _classifier(model, Link.SOFTMAX)


def _stochastic(model: Any) -> Linear:
    if model.loss != "log_loss":
        raise NotFoldable(f"{type(model).__name__} with loss {model.loss!r} is not read", "take log_loss")
    return _classifier(model, Link.ONE_AGAINST_REST)


def _classifier(model: Any, link: Link) -> Linear:
    coefficients = _dense(model.coef_)
    intercepts = _intercepts(model, len(coefficients))
    if len(model.classes_) == 2:  # softmax of 0 and a sum is its logistic, and keeps small probabilities
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercepts, link = np.array([0.0, *intercepts]), Link.SOFTMAX
    return Linear(coefficients, intercepts, link, tuple(model.classes_))


def _calibration(model: Any) -> Linear:
    """The members' sums side by side: of two classes the second one's, of more one for each class."""
    members = [_thawed(part.estimator) for part in model.calibrated_classifiers_]
    classes = tuple(model.classes_)
    if any(tuple(member.classes_) != classes for member in members):
        raise NotFoldable(
            "the members of CalibratedClassifierCV know different classes",
            "let cv be a number, which deals the classes out evenly",
        )
    coefficients = np.vstack([_dense(member.coef_) for member in members])
    intercepts = np.concatenate([_intercepts(member, len(_dense(member.coef_))) for member in members])
    match calibrators_of(model):
        case Sigmoids(slopes, shifts):
            slopes, shifts = -slopes, -shifts
        case Temperatures(factors) if len(classes) == 2:  # the softmax of a sum and less it
            slopes, shifts = 2 * factors, np.zeros(len(factors))
        case Lines() as lines:
            return Linear(coefficients, intercepts, Link.MEAN_LINES, classes, lines)
        case _:
            raise NotFoldable("temperatures of more than two classes are not read", "take method='sigmoid'")
    return Linear(slopes[:, None] * coefficients, slopes * intercepts + shifts, Link.MEAN_LOGISTIC, classes)


def _one_against_rest(model: Any) -> Linear:
    """A model of two classes for each class, which is its second one."""
    if len(model.estimators_) != len(model.classes_) or model.multilabel_:
        raise NotFoldable("OneVsRestClassifier is read of three classes or more")
    parts = [read_linear(part) for part in model.estimators_]
    coefficients = np.stack([part.coefficients[-1] for part in parts])
    intercepts = np.array([part.intercepts[-1] for part in parts])
    return Linear(coefficients, intercepts, Link.ONE_AGAINST_REST, tuple(model.classes_))


def _dense(coefficients: Any) -> np.ndarray:
    """`sparsify()` makes a matrix of them that numpy does not know."""
    whole = coefficients.toarray() if hasattr(coefficients, "toarray") else coefficients
    return np.asarray(whole, np.float64)


def _thawed(model: Any) -> Any:
    return model.estimator if isinstance(model, FrozenEstimator) else model


def _intercepts(model: Any, sums: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(model.intercept_, np.float64).reshape(-1), sums)


_MARGINS = frozenset(
    f"sklearn.{name}"
    for name in (
        *("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis", "SGDClassifier"),
        *("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron"),
    )
)
"""Classifiers whose decision function, which calibration maps, is the sum itself."""
_CALIBRATED = "sklearn.CalibratedClassifierCV"
_ONE_AGAINST_REST = "sklearn.OneVsRestClassifier"
_READERS: dict[str, Callable[[Any], Linear]] = {
    **dict.fromkeys(("sklearn.LogisticRegression", "sklearn.LogisticRegressionCV"), _logistic),
    "sklearn.LinearDiscriminantAnalysis": _logistic,
    "sklearn.SGDClassifier": _stochastic,
    **dict.fromkeys(("sklearn.LinearRegression", "sklearn.Ridge", "sklearn.RidgeCV"), _regression),
    **dict.fromkeys(("sklearn.Lasso", "sklearn.LassoCV", "sklearn.Lars", "sklearn.LassoLars"), _regression),
    **dict.fromkeys(("sklearn.ElasticNet", "sklearn.ElasticNetCV", "sklearn.SGDRegressor"), _regression),
    **dict.fromkeys(("sklearn.BayesianRidge", "sklearn.HuberRegressor", "sklearn.QuantileRegressor"), _regression),
    **dict.fromkeys(("sklearn.PoissonRegressor", "sklearn.GammaRegressor", "sklearn.TweedieRegressor"), _generalised),
}
