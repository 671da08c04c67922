"""XGBoost and LightGBM bring no ONNX converter of their own: register onnxmltools', and put right what they get wrong."""

from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

from bankmodel.exporting.steps import fitted_steps

__all__ = ["register_boosters"]


def register_boosters(pipeline: Any) -> None:
    """Make the boosters in `pipeline` known to the converter; a library that it does not use is not imported."""
    families = {type(step).__module__.split(".")[0] for step in fitted_steps(pipeline)}
    if "xgboost" in families:
        _register_xgboost()
    if "lightgbm" in families:
        _register_lightgbm()


def _register_xgboost() -> None:
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from xgboost import XGBClassifier, XGBRegressor

    _register_classifier(XGBClassifier, "XGBoostXGBClassifier", convert_xgboost)
    _register_regressor(XGBRegressor, "XGBoostXGBRegressor", convert_xgboost)


def _register_lightgbm() -> None:
    from lightgbm import LGBMClassifier, LGBMRegressor

    # Since 4.7 it has a decision_function, and calibration maps that rather than probabilities: the converter must too
    raw = {"raw_scores": [True, False]} if hasattr(LGBMClassifier, "decision_function") else {}
    _register_classifier(LGBMClassifier, "LightGbmLGBMClassifier", _lightgbm_classifier, **raw)
    _register_regressor(LGBMRegressor, "LightGbmLGBMRegressor", _lightgbm_regressor)


def _lightgbm_classifier(scope: Any, operator: Any, container: Any) -> None:
    options = scope.get_options(operator.raw_operator, {"raw_scores": False})
    _convert_lightgbm(scope, operator, _ExactTrees(container, as_raw_scores=bool(options.get("raw_scores"))))


def _lightgbm_regressor(scope: Any, operator: Any, container: Any) -> None:
    _convert_lightgbm(scope, operator, _ExactTrees(container, as_raw_scores=False))


def _convert_lightgbm(scope: Any, operator: Any, container: Any) -> None:
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    convert_lightgbm(scope, operator, container)


class _ExactTrees:
    """The converter's container, with tree nodes put right on their way into it.

    LightGBM compares with thresholds in double precision, ONNX in float32: rounded to the nearest, a threshold between
    two float32 may step over a value of the data (10 of 1,989 rows off); the next float32 below decides alike for all.
    """

    def __init__(self, container: Any, *, as_raw_scores: bool) -> None:
        self._container = container
        self._as_raw_scores = as_raw_scores

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, op_type: str, *words: Any, **attributes: Any) -> None:
        if op_type.startswith("TreeEnsemble"):
            pairs = zip(attributes["nodes_modes"], attributes["nodes_values"], strict=True)
            attributes["nodes_values"] = [_below(value) if mode == "BRANCH_LEQ" else value for mode, value in pairs]
        if op_type == "TreeEnsembleClassifier" and self._as_raw_scores:
            attributes["post_transform"] = "NONE"
        self._container.add_node(op_type, *words, **attributes)


def _below(threshold: float) -> float:
    """The largest float32 that is not above it."""
    nearest = np.float32(threshold)
    return float(nearest if float(nearest) <= threshold else np.nextafter(nearest, np.float32(-np.inf)))


def _register_classifier(kind: type, alias: str, converter: Any, **more: list[bool]) -> None:
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"], **more}
    update_registered_converter(kind, alias, calculate_linear_classifier_output_shapes, converter, options=options)


def _register_regressor(kind: type, alias: str, converter: Any) -> None:
    update_registered_converter(kind, alias, calculate_linear_regressor_output_shapes, converter)
