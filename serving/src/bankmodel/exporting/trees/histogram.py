"""Read scikit-learn's histogram gradient boosting, which compares in double and knows missing values."""

from typing import Any

import numpy as np

from bankmodel.exporting.trees.ensemble import Ensemble, Link, NotFoldable, Scoring, joined

__all__ = ["boosting"]

_FLOAT64 = np.dtype(np.float64)


def boosting(model: Any) -> Ensemble:
    """HistGradientBoosting: the leaves' values, added to the baseline."""
    base = np.ravel(model._baseline_prediction).astype(np.float64)
    trees = [_tree(each, column) for stage in model._predictors for column, each in enumerate(stage)]
    classes = tuple(getattr(model, "classes_", ()))
    return joined(trees, Scoring(len(base), _link(model, len(base)), classes=classes), base)


def _link(model: Any, targets: int) -> Link:
    if hasattr(model, "classes_"):
        return "logistic" if targets == 1 else "softmax"
    return "exp" if model.loss in ("poisson", "gamma") else "identity"


def _tree(predictor: Any, target: int) -> Ensemble:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    inner, leaves = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
    if nodes["is_categorical"][inner].any():
        raise NotFoldable("it splits on categories of its own")
    place = np.empty(len(nodes), np.int64)
    place[inner], place[leaves] = np.arange(len(inner)), ~np.arange(len(leaves))
    return Ensemble(
        feature=nodes["feature_idx"][inner].astype(np.int64),
        threshold=nodes["num_threshold"][inner],
        missing_yes=nodes["missing_go_to_left"][inner].astype(bool),
        yes=place[nodes["left"][inner]],
        no=place[nodes["right"][inner]],
        roots=place[:1],
        leaf=nodes["value"][leaves].astype(np.float64),
        target=np.full(len(leaves), target),
        dtype=_FLOAT64,
        scoring=Scoring(1),
    )
