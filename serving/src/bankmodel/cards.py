"""`bankmodel card`: a card for an ONNX file made elsewhere, from the file itself and a sample of its data.

Without the original there is no parity to state: golden vectors are the file's own answers, so they prove that a server
computes what this file computes here, no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bankmodel import onnx_file, provenance
from bankmodel.baseline import PROBABILITY_EDGES, count_numbers, count_words, quantile_edges
from bankmodel.errors import UsageError
from bankmodel.golden import golden_vectors, spread_over
from bankmodel.onnx_file import Put
from bankmodel.running import Runner
from bankmodel.samples import Sample, read_sample
from bankmodel_serving.card import Card, Feature, Golden, Score

__all__ = ["Carded", "add_card"]

_NUMPY = {
    **{"BOOL": np.bool_, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64},
    **{"UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64},
    **{"INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64},
}


@dataclass(frozen=True)
class Carded:
    """What was written and its digest."""

    path: Path
    sha256: str
    card: Card


def add_card(
    model: str | Path,
    sample: pd.DataFrame | str | Path,
    output: str | Path | None = None,
    *,
    name: str | None = None,
    version: str | None = None,
    score_output: str | None = None,
    class_index: int | None = None,
    cutoff: float | None = None,
    missing_token: str | None = None,
    made_at: datetime | None = None,
) -> Carded:
    """Write the ONNX file `model` with a card made from `sample` to `output` (default: in place; the digest changes).

    The sample has a column per input, or, for a file with one input of k columns, exactly these k. `score_output` names
    the output that is the score, `class_index` its column. An input imputes where the sample has it missing: NaN for
    floats, `missing_token` for text. The other inputs reject missing values.
    """
    path = Path(model)
    loaded = onnx_file.load(path)
    read = read_sample(sample, text=[put.name for put in onnx_file.inputs_of(loaded) if put.datatype == "BYTES"])
    feeds = {put.name: _feed(put, read.frame, missing_token) for put in onnx_file.inputs_of(loaded)}
    runner = Runner(loaded.SerializeToString())
    output_put = _score_output(onnx_file.outputs_of(loaded), score_output)
    index = _class_index(output_put, class_index)
    scores = runner.run(feeds)[output_put.name].reshape(len(read.frame), -1)[:, index or 0]
    blanks = {name: _blank(array, missing_token) for name, array in feeds.items() if _has_missing(array, missing_token)}
    card = Card(
        features=tuple(_feature(put, feeds[put.name], blanks) for put in onnx_file.inputs_of(loaded)),
        score=_score(output_put.name, index, scores, cutoff),
        golden=_golden(runner, feeds, output_put.name, scores, blanks),
        provenance=_provenance(loaded.producer_name, read, name or path.stem, version, made_at),
    )
    written = Path(output) if output else path
    return Carded(written, onnx_file.save(loaded, card, written), card)


def _feed(put: Put, frame: pd.DataFrame, token: str | None) -> np.ndarray:
    if put.datatype not in (*_NUMPY, "BYTES"):
        raise UsageError(f"input {put.name!r} is no tensor of numbers or text; such a model can't be served")
    width = put.shape[-1] if len(put.shape) > 1 else 1
    if put.name not in frame.columns and width == len(frame.columns):
        return _numbers(put, frame)
    if put.name not in frame.columns or (width or 1) != 1:
        raise UsageError(
            f"the sample has no column for input {put.name!r} (shape {list(put.shape)}); give it a column of that name, "
            f"or for a matrix a sample of exactly its {width or 'k'} columns"
        )
    column = frame[put.name]
    array = _words(put, column, token) if put.datatype == "BYTES" else _numbers(put, column.to_frame())
    return array.reshape(-1, 1) if len(put.shape) > 1 else array.reshape(-1)


def _numbers(put: Put, columns: pd.DataFrame) -> np.ndarray:
    if not put.datatype.startswith("FP") and columns.isna().to_numpy().any():
        raise UsageError(f"input {put.name!r} is {put.datatype}, which has no missing value; leave those rows out")
    try:
        return columns.to_numpy().astype(_NUMPY[put.datatype])
    except (TypeError, ValueError) as error:
        raise UsageError(f"input {put.name!r} is {put.datatype}, but the sample holds other values: {error}") from error


def _words(put: Put, column: pd.Series, token: str | None) -> np.ndarray:
    missing = column.isna()
    if missing.any() and token is None:
        raise UsageError(
            f"column {put.name!r} has {int(missing.sum())} missing values; say what this model takes for them: "
            "--missing-token TEXT"
        )
    return column.astype(object).where(~missing, token).astype(str).to_numpy(dtype=object)


def _score_output(outputs: tuple[Put, ...], wanted: str | None) -> Put:
    named = ", ".join(f"{put.name} {put.datatype or 'no tensor'}{list(put.shape)}" for put in outputs)
    fitting = [put for put in outputs if put.datatype.startswith("FP") and wanted in (None, put.name)]
    if wanted and not fitting:
        raise UsageError(f"{wanted!r} is no output of float numbers; the outputs are {named} (--output-name)")
    if not fitting:
        raise UsageError(f"no output is a tensor of floats ({named}); convert the classifier with zipmap off")
    if len(fitting) > 1:
        raise UsageError(f"several outputs may be the score ({named}); name one with --output-name")
    return fitting[0]


def _class_index(put: Put, wanted: int | None) -> int | None:
    width = put.shape[1] if len(put.shape) > 1 else 1
    if wanted is not None and width is not None and wanted >= width:
        raise UsageError(
            f"output {put.name!r} has {width} columns, counted from 0; --class-index {wanted} is none of them"
        )
    if wanted is not None or width == 1:
        return wanted
    if width != 2:
        raise UsageError(
            f"output {put.name!r} has {width or 'any number of'} columns; name the score's with --class-index"
        )
    return 1


def _has_missing(array: np.ndarray, token: str | None) -> bool:
    if array.dtype == object:
        return token is not None and bool((array == token).any())
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def _blank(array: np.ndarray, token: str | None) -> object:
    return token if array.dtype == object else np.nan


def _feature(put: Put, values: np.ndarray, blanks: Mapping[str, object]) -> Feature:
    imputes = put.name in blanks
    is_text = put.datatype == "BYTES"
    token = str(blanks[put.name]) if is_text and imputes else None
    is_column = values.size == len(values)
    flat = values.reshape(-1)
    counted = count_words(flat, token) if is_text else _count(flat)
    return Feature(
        name=put.name,
        datatype=put.datatype,
        on_missing="Impute" if imputes else "Reject",
        missing_token=token,
        baseline=counted if is_column else None,  # a matrix mixes its columns; there is nothing to compare with
    )


def _count(values: np.ndarray) -> Any:
    as_floats = values.astype(np.float64)
    return count_numbers(as_floats, quantile_edges(as_floats))


def _score(output: str, index: int | None, scores: np.ndarray, cutoff: float | None) -> Score:
    numbers = scores.astype(np.float64)
    inside = bool(((numbers >= 0) & (numbers <= 1)).all())
    edges = PROBABILITY_EDGES if inside else quantile_edges(numbers, bins=20)
    return Score(output=output, class_index=index, edges=edges, cutoff=cutoff, baseline=count_numbers(numbers, edges))


def _golden(
    runner: Runner, feeds: Mapping[str, np.ndarray], output: str, scores: np.ndarray, blanks: Mapping[str, object]
) -> Golden:
    columns = {name: value for name, value in blanks.items() if feeds[name].size == len(feeds[name])}
    return golden_vectors(runner, feeds, output, rows=spread_over(scores), blanks=columns)


def _provenance(
    producer: str, sample: Sample, name: str, version: str | None, made_at: datetime | None
) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "producer": producer,
        "cardedAt": provenance.timestamp(made_at),
        "rows": len(sample.frame),
        "sampleSha256": sample.sha256,
        "libraries": provenance.libraries(),
    }
