"""XGBoost and LightGBM bring no ONNX converter of their own: register onnxmltools', with what it lacks."""

from typing import Any

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
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    # Since 4.7 it has a decision_function, and calibration maps that rather than probabilities: the converter must too
    raw = {"raw_scores": [True, False]} if hasattr(LGBMClassifier, "decision_function") else {}
    _register_classifier(LGBMClassifier, "LightGbmLGBMClassifier", _lightgbm_classifier, **raw)
    _register_regressor(LGBMRegressor, "LightGbmLGBMRegressor", convert_lightgbm)


def _lightgbm_classifier(scope: Any, operator: Any, container: Any) -> None:
    """onnxmltools' converter, and where raw scores are asked for (inside a calibration) without its last step."""
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    before = len(container.nodes)
    convert_lightgbm(scope, operator, container)
    if not scope.get_options(operator.raw_operator, {"raw_scores": False}).get("raw_scores"):
        return
    made = [node for node in container.nodes[before:] if node.op_type == "TreeEnsembleClassifier"]
    for attribute in (item for node in made for item in node.attribute if item.name == "post_transform"):
        attribute.s = b"NONE"


def _register_classifier(kind: type, alias: str, converter: Any, **more: list[bool]) -> None:
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"], **more}
    update_registered_converter(kind, alias, calculate_linear_classifier_output_shapes, converter, options=options)


def _register_regressor(kind: type, alias: str, converter: Any) -> None:
    update_registered_converter(kind, alias, calculate_linear_regressor_output_shapes, converter)
