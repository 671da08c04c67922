"""Read scikit-learn's histogram gradient boosting, which compares in double and knows missing values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bankmodel.exporting.trees.ensemble import Categories, Ensemble, Link, Scoring, joined

__all__ = ["boosting"]

_FLOAT64 = np.dtype(np.float64)


def boosting(model: Any) -> Ensemble:
    """HistGradientBoosting: the leaves' values, added to the baseline."""
    base = np.ravel(model._baseline_prediction).astype(np.float64)
    known = _known_categories(model)
    trees = [_tree(each, column, known) for stage in model._predictors for column, each in enumerate(stage)]
    classes = tuple(getattr(model, "classes_", ()))
    return joined(trees, Scoring(len(base), _link(model, len(base)), classes=classes), base)


def _link(model: Any, targets: int) -> Link:
    if hasattr(model, "classes_"):
        return "logistic" if targets == 1 else "softmax"
    return "exp" if model.loss in ("poisson", "gamma") else "identity"


def _known_categories(model: Any) -> dict[int, frozenset[int]]:
    """For each categorical feature the codes that it had when it was fitted."""
    bitsets, places = model._bin_mapper.make_known_categories_bitsets()
    flags = model._bin_mapper.is_categorical_
    return {feature: _members(bitsets[places[feature]]) for feature in np.flatnonzero(flags).tolist()}


def _members(bitset: np.ndarray) -> frozenset[int]:
    """The numbers 0 to 255 whose bit is set, in words of 32."""
    bits = np.unpackbits(np.ascontiguousarray(bitset, "<u4").view(np.uint8), bitorder="little")
    return frozenset(np.flatnonzero(bits).tolist())


def _tree(predictor: Any, target: int, known: Mapping[int, frozenset[int]]) -> Ensemble:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    inner, leaves = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
    named = {
        place: Categories(_members(predictor.raw_left_cat_bitsets[node["bitset_idx"]]), known[int(node["feature_idx"])])
        for place, node in enumerate(nodes[inner])
        if node["is_categorical"]
    }
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
        categories=named,
    )
