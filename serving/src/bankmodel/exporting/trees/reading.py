"""Which fitted models can be read as plain arrays, and by whom. Readers import no library that the model does not come from."""

from collections.abc import Callable
from typing import Any

from bankmodel.exporting.trees import histogram, lightgbm, scikit, xgboost
from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable, within

__all__ = ["read_ensemble"]

_READERS: dict[str, Callable[[Any], Ensemble]] = {
    **dict.fromkeys(("sklearn.DecisionTreeClassifier", "sklearn.DecisionTreeRegressor"), scikit.single_tree),
    **dict.fromkeys(("sklearn.ExtraTreeClassifier", "sklearn.ExtraTreeRegressor"), scikit.single_tree),
    **dict.fromkeys(("sklearn.RandomForestClassifier", "sklearn.RandomForestRegressor"), scikit.forest),
    **dict.fromkeys(("sklearn.ExtraTreesClassifier", "sklearn.ExtraTreesRegressor"), scikit.forest),
    **dict.fromkeys(("sklearn.GradientBoostingClassifier", "sklearn.GradientBoostingRegressor"), scikit.boosting),
    **dict.fromkeys(("lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor"), lightgbm.boosting),
    **dict.fromkeys(("xgboost.XGBClassifier", "xgboost.XGBRegressor"), xgboost.boosting),
    "sklearn.HistGradientBoostingClassifier": histogram.boosting,
    "sklearn.HistGradientBoostingRegressor": histogram.boosting,
}


def read_ensemble(model: Any) -> Ensemble:
    """The trees of a fitted model; refused where nobody can read them."""
    kind = type(model)
    reader = _READERS.get(f"{kind.__module__.split('.')[0]}.{kind.__name__}")
    if reader is None:
        raise NotFoldable(f"{kind.__name__} is no tree ensemble that can be folded")
    with within(kind.__name__):
        return reader(model)
