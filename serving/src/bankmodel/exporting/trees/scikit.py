"""Read scikit-learn's trees and what is built from them. They cast a feature to float32 and compare it in double."""

from dataclasses import replace
from typing import Any

import numpy as np

from bankmodel.exporting.trees.ensemble import Ensemble, Link, NotFoldable, Scoring, joined

__all__ = ["boosting", "forest", "single_tree"]

_FLOAT32 = np.dtype(np.float32)


def boosting(model: Any) -> Ensemble:
    """GradientBoosting: leaves times the learning rate, added to what its first guess is for everybody."""
    if not (model.init_ == "zero" or type(model.init_).__name__.startswith("Dummy")):
        raise NotFoldable(f"its first guess is a model of its own ({type(model.init_).__name__})", "leave init at None")
    base = model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))[0]
    trees = [
        _tree(each.tree_, model.learning_rate * each.tree_.value[:, 0, 0], column)
        for stage in model.estimators_
        for column, each in enumerate(stage)
    ]
    # It refuses missing values, so that any side will do for what log(-1) gives: below all others is the simplest
    taking = [replace(tree, missing_yes=np.ones(len(tree.feature), bool)) for tree in trees]
    return joined(taking, _boosted(model, len(base)), base)


def forest(model: Any) -> Ensemble:
    """RandomForest and ExtraTrees: the mean of what the trees say. The sum is divided at the end, as scikit-learn does."""
    return _averaged(model, [each.tree_ for each in model.estimators_])


def single_tree(model: Any) -> Ensemble:
    """One tree, which says a class's share among its rows, or their mean."""
    return _averaged(model, [model.tree_])


def _averaged(model: Any, trees: list[Any]) -> Ensemble:
    if model.n_outputs_ != 1:
        raise NotFoldable(f"{type(model).__name__} predicts {model.n_outputs_} targets", "fit a model for each")
    classes = tuple(getattr(model, "classes_", ()))
    # The share of the second of two classes is enough; of more, a leaf holds one, and each class has the trees for itself
    columns = range(len(classes)) if len(classes) > 2 else [len(classes) - 1 if classes else 0]
    read = [_tree(tree, tree.value[:, 0, column], target) for target, column in enumerate(columns) for tree in trees]
    scoring = Scoring(len(columns), divisor=len(trees), classes=classes)
    return joined(read, scoring, np.zeros(len(columns)))


def _boosted(model: Any, targets: int) -> Scoring:
    classes = tuple(getattr(model, "classes_", ()))
    if not classes:
        return Scoring(targets)
    scale = 2.0 if model.loss == "exponential" else 1.0
    link: Link = "logistic" if targets == 1 else "softmax"
    return Scoring(targets, link, scale=scale, classes=classes, ties_to_last=targets == 1)


def _tree(tree: Any, values: np.ndarray, target: int) -> Ensemble:
    """One tree, with `values` in its leaves, which count for `target`."""
    inner = np.flatnonzero(tree.children_left >= 0)
    leaves = np.flatnonzero(tree.children_left < 0)
    place = np.empty(tree.node_count, np.int64)
    place[inner], place[leaves] = np.arange(len(inner)), ~np.arange(len(leaves))
    return Ensemble(
        feature=tree.feature[inner],
        threshold=tree.threshold[inner],
        missing_yes=tree.missing_go_to_left[inner].astype(bool),
        yes=place[tree.children_left[inner]],
        no=place[tree.children_right[inner]],
        roots=place[:1],
        leaf=values[leaves].astype(np.float64),
        target=np.full(len(leaves), target),
        dtype=_FLOAT32,
        scoring=Scoring(1),
    )
