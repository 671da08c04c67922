"""Convert the pipeline's copy to ONNX with one named input per column; with boosters.py and own_steps.py the importer of skl2onnx."""

import warnings
from collections.abc import Sequence
from typing import Any

import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline

from bankmodel.errors import ConversionError
from bankmodel.exporting.boosters import register_boosters
from bankmodel.exporting.linear import let_rows_stand_alone
from bankmodel.exporting.own_steps import register_own_steps
from bankmodel.exporting.places import path_to, step_behind
from bankmodel.exporting.schema import Column
from bankmodel.exporting.steps import convertible_copy, fitted_steps, last_step

__all__ = ["to_onnx"]

# The newest that onnxmltools' tree converters write as well as skl2onnx: pinned, so that the same pipeline gives the same
# file whatever onnx is installed.
_OPSET = {"": 15, "ai.onnx.ml": 3}


def to_onnx(pipeline: Any, columns: Sequence[Column], *, token: str, name: str) -> onnx.ModelProto:
    """The pipeline as one ONNX graph: inputs named as the columns, outputs `label` and `probabilities` or `prediction`."""
    register_boosters(pipeline)
    _refuse_calibrated_pipeline(pipeline)
    given = convertible_copy(pipeline, token)
    register_own_steps(given, _OPSET[""])
    twin = _taking_columns(given, columns)
    types = [
        (column.name, (StringTensorType if column.kind == "text" else FloatTensorType)([None, 1])) for column in columns
    ]
    scorer = last_step(twin)
    options = {id(scorer): {"zipmap": False}} if hasattr(scorer, "predict_proba") else None
    try:
        model = _convert(twin, types, options, name=name)
    except Exception as error:  # converters raise whatever their code runs into: RuntimeError, TypeError, KeyError, …
        raise ConversionError(_refusal(given, error)) from error
    _rename(model, dict(zip((put.name for put in model.graph.input), (column.name for column in columns), strict=True)))
    if options is None:
        _rename(model, {model.graph.output[0].name: "prediction"})
    let_rows_stand_alone(model)
    _sort_domains(model)
    return model


def _convert(twin: Any, types: list[Any], options: Any, *, name: str) -> onnx.ModelProto:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # converters warn about their own deprecated calls
        model: onnx.ModelProto = convert_sklearn(
            twin, name=name, initial_types=types, options=options, target_opset=_OPSET
        )
    return model


def _refusal(pipeline: Any, error: Exception) -> str:
    step = step_behind(error)
    where = "one of its steps" if step is None else path_to(pipeline, step)
    if isinstance(error, MissingConverter | MissingShapeCalculator):
        reason = "has no ONNX form"
    else:
        reason = f"can't be converted ({type(error).__name__}: {_first_line(error)})"
    return f"{where} {reason}. Replace it, write it as a transformer that has a method onnx_model(), or do it before the model"


def _refuse_calibrated_pipeline(pipeline: Any) -> None:
    """Converted all the same, it would map probabilities where scikit-learn maps raw scores (1,989 of 1,989 rows off)."""
    for step in fitted_steps(pipeline):
        if isinstance(step, CalibratedClassifierCV) and isinstance(step.estimator, Pipeline):
            raise ConversionError(
                f"{path_to(pipeline, step)} around a whole Pipeline has no ONNX form; put it around the last step instead: "
                "Pipeline([('prepare', …), ('score', CalibratedClassifierCV(model))])"
            )


def _taking_columns(twin: Any, columns: Sequence[Column]) -> Any:
    """A ColumnTransformer takes named columns; anything else takes one matrix, which a pass-through one puts together."""
    first = twin.steps[0][1] if hasattr(twin, "steps") else twin
    if isinstance(first, ColumnTransformer):
        return twin
    if len({column.kind for column in columns}) > 1:
        raise ConversionError(
            f"the first step ({type(first).__name__}) takes number and text columns together; "
            "split them with a ColumnTransformer"
        )
    names = [column.name for column in columns]
    gather = ColumnTransformer([("columns", "passthrough", names)])
    return make_pipeline(_fitted_gather(gather, columns), twin)


def _fitted_gather(gather: ColumnTransformer, columns: Sequence[Column]) -> ColumnTransformer:
    import pandas as pd

    row = {column.name: ["a", "b"] if column.kind == "text" else [0.0, 1.0] for column in columns}
    return gather.fit(pd.DataFrame(row))


def _rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    """Give tensors other names everywhere in the graph: the converter turns "loan amount" into "loan_amount"."""
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)


def _sort_domains(model: onnx.ModelProto) -> None:
    """The converter writes them in the order of a set, so that two runs give files of different digests."""
    domains = sorted(model.opset_import, key=lambda entry: entry.domain)
    del model.opset_import[:]
    model.opset_import.extend(domains)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:200]
