"""Read LightGBM's trees, from the document in which it writes a model down. It compares in double, and knows missing values."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bankmodel.exporting.trees.ensemble import Categories, Ensemble, NotFoldable, Scoring, joined

__all__ = ["boosting"]

_EXPONENTIAL = ("poisson", "gamma", "tweedie")
_IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")


def boosting(model: Any) -> Ensemble:
    """LGBMClassifier and LGBMRegressor."""
    if model.booster_.pandas_categorical:
        raise NotFoldable(
            "LightGBM took its categories from the types of a DataFrame", "encode them in a step before it"
        )
    document = model.booster_.dump_model()
    if document.get("average_output"):
        raise NotFoldable(
            "LightGBM's random forests are not read", "take boosting_type='gbdt', or scikit-learn's forest"
        )
    targets = document["num_tree_per_iteration"]
    scoring = _scoring(document["objective"].split(), targets, tuple(getattr(model, "classes_", ())))
    trees = [_tree(each, place % targets) for place, each in enumerate(document["tree_info"])]
    return joined(trees, scoring, np.zeros(targets))


def _scoring(objective: list[str], targets: int, classes: tuple[Any, ...]) -> Scoring:
    """How sums become scores."""
    settings = dict(word.split(":") for word in objective[1:] if ":" in word)
    match objective[0]:
        case "binary":
            return Scoring(targets, "logistic", scale=float(settings.get("sigmoid", 1)), classes=classes)
        case "multiclass":
            return Scoring(targets, "softmax", classes=classes)
        case name if name in _EXPONENTIAL:
            return Scoring(targets, "exp")
        case name if name in _IDENTITY and "sqrt" not in objective:
            return Scoring(targets)
    raise NotFoldable(f"LightGBM's objective {' '.join(objective)!r} is not read", "take a plain one")


def _tree(info: Any, target: int) -> Ensemble:
    nodes = list(_nodes(info["tree_structure"]))
    inner = [node for node in nodes if "leaf_value" not in node]
    leaves = [node for node in nodes if "leaf_value" in node]
    if any("leaf_coeff" in node for node in leaves):
        raise NotFoldable("LightGBM's linear trees are not read", "leave linear_tree off")
    place = {id(node): number for number, node in enumerate(inner)}
    place |= {id(node): ~number for number, node in enumerate(leaves)}
    named = {number: _categories(node) for number, node in enumerate(inner) if node["decision_type"] == "=="}
    threshold = [0.0 if number in named else float(node["threshold"]) for number, node in enumerate(inner)]
    return Ensemble(
        feature=np.array([node["split_feature"] for node in inner], np.int64),
        threshold=np.array(threshold, np.float64),
        missing_yes=np.array([_missing_yes(node) for node in inner], bool),
        yes=np.array([place[id(node["left_child"])] for node in inner], np.int64),
        no=np.array([place[id(node["right_child"])] for node in inner], np.int64),
        roots=np.array([place[id(nodes[0])]]),
        leaf=np.array([node["leaf_value"] for node in leaves], np.float64),
        target=np.full(len(leaves), target),
        dtype=np.dtype(np.float64),
        scoring=Scoring(1),
        categories=named,
    )


def _nodes(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node[side] for side in ("left_child", "right_child") if side in node)


def _categories(node: dict[str, Any]) -> Categories:
    return Categories(frozenset(int(code) for code in str(node["threshold"]).split("||")), None)


def _missing_yes(node: dict[str, Any]) -> bool:
    """Where a missing value goes: no category is one, without a direction it counts as zero."""
    if node["decision_type"] == "==":
        return False
    match node["missing_type"]:
        case "NaN":
            return bool(node["default_left"])
        case "None":
            return bool(float(node["threshold"]) >= 0)
    raise NotFoldable("LightGBM takes zero for missing (zero_as_missing)", "leave that off, and recode before it")
