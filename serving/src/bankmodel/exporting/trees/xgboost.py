"""Read XGBoost's trees, from the document in which it writes a model down. It asks `<`, and all of it is in float32."""

import json
from typing import Any

import numpy as np

from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable, Scoring, joined

__all__ = ["boosting"]

_ENCODE = "encode categories in a step before it, and fit a model for each target"
_LOGISTIC = ("binary:logistic", "reg:logistic")
_SOFTMAX = ("multi:softprob", "multi:softmax")
_EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")
_IDENTITY = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror")


def boosting(model: Any) -> Ensemble:
    """XGBClassifier and XGBRegressor."""
    if not np.isnan(model.missing):
        raise NotFoldable(f"XGBoost takes {model.missing} for missing", "leave it at NaN, and recode before it")
    booster = model.get_booster()
    if getattr(booster, "best_iteration", None) is not None and model.early_stopping_rounds:
        booster = booster[: booster.best_iteration + 1]
    learner = json.loads(booster.save_raw("json"))["learner"]
    if learner["gradient_booster"]["name"] != "gbtree":
        raise NotFoldable(f"XGBoost's {learner['gradient_booster']['name']} is not read", "take booster='gbtree'")
    held = learner["gradient_booster"]["model"]
    base = _base(learner)
    trees = [_tree(tree, target) for tree, target in zip(held["trees"], held["tree_info"], strict=True)]
    targets = max(1, int(learner["learner_model_param"]["num_class"]))
    scoring = _scoring(learner["objective"]["name"], targets, tuple(getattr(model, "classes_", ())))
    return joined(trees, scoring, np.broadcast_to(base, targets))


def _scoring(objective: str, targets: int, classes: tuple[Any, ...]) -> Scoring:
    if objective in _LOGISTIC:
        return Scoring(targets, "logistic", classes=classes, single=True)
    if objective in _SOFTMAX:
        return Scoring(targets, "softmax", classes=classes, single=True)
    if objective in _EXPONENTIAL:
        return Scoring(targets, "exp", single=True)
    if objective in _IDENTITY and targets == 1:
        return Scoring(targets, single=True)
    raise NotFoldable(f"XGBoost's objective {objective!r} is not read", "take a logistic or squared one")


def _base(learner: Any) -> np.ndarray:
    """What is added to each sum: it is written down as a score, of which the link is undone."""
    written = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32).ravel()
    objective = learner["objective"]["name"]
    if objective in _LOGISTIC:
        return -_logarithm(1 / written - 1)
    return _logarithm(written) if objective in _EXPONENTIAL else written


def _logarithm(values: np.ndarray) -> np.ndarray:
    """As the C library's logf has it, the double one's result rounded: numpy's own of float32 is up to 1e-7 off."""
    return np.log(values.astype(np.float64)).astype(np.float32)


def _tree(tree: Any, target: int) -> Ensemble:
    if tree["categories_nodes"] or int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise NotFoldable("XGBoost's own categories and leaves for several targets are not read", _ENCODE)
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    inner, leaves = np.flatnonzero(left >= 0), np.flatnonzero(left < 0)
    values = np.array(tree["split_conditions"], np.float32)
    place = np.empty(len(left), np.int64)
    place[inner], place[leaves] = np.arange(len(inner)), ~np.arange(len(leaves))
    return Ensemble(
        feature=np.array(tree["split_indices"], np.int64)[inner],
        threshold=np.nextafter(values[inner], np.float32(-np.inf)).astype(np.float64),  # x < t of float32
        missing_yes=np.array(tree["default_left"], bool)[inner],
        yes=place[left[inner]],
        no=place[right[inner]],
        roots=place[:1],
        leaf=values[leaves].astype(np.float64),
        target=np.full(len(leaves), target),
        dtype=np.dtype(np.float32),
        scoring=Scoring(1),
    )
