"""Callers who send FP64: decisions are the pipeline's at every double, where FP32 would have to round."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from bankmodel import onnx_file
from bankmodel.errors import ConversionError
from bankmodel.exporting.export import export
from support.fitted import NUMBERS, WORDS, applications
from support.random_trees import neighbours_off
from support.tree_models import CLASSIFIERS
from support.tree_steps import NUMBER_STEPS, WORD_STEPS, prepared


@pytest.fixture(scope="module")
def accounts() -> pd.DataFrame:
    """Account numbers beyond 2**24, of which every other is good: float32 can't tell neighbours apart."""
    frame = applications().head(400)
    return frame.assign(liq=2.0**30 + np.arange(len(frame)))


@pytest.fixture(scope="module")
def pipeline(accounts: pd.DataFrame) -> Pipeline:
    prepare = prepared(NUMBER_STEPS["median, standard"](), WORD_STEPS["one-hot"](), list(NUMBERS), list(WORDS))
    return make_pipeline(prepare, CLASSIFIERS["histogram boosting"]()).fit(accounts, accounts["liq"] // 5 % 2)


def test_doubles_are_told_apart_where_float32_rounds(
    pipeline: Pipeline, accounts: pd.DataFrame, tmp_path: Path
) -> None:
    single = export(pipeline, accounts, tmp_path / "single.onnx")
    double = export(pipeline, accounts, tmp_path / "double.onnx", numbers="FP64")
    inputs = {put.name: put.datatype for put in onnx_file.inputs_of(onnx_file.load(double.path))}

    assert single.parity.rounding.rows_off > 0
    assert (0, 0) == (double.parity.rounding.rows_off, double.parity.rows_off)
    assert dict.fromkeys(NUMBERS, "FP64") | dict.fromkeys(WORDS, "BYTES") == inputs == double.card.parity["inputTypes"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_double_beside_a_threshold_goes_the_pipelines_way(seed: int) -> None:
    rows, off = neighbours_off(seed, dtype=np.float64)

    assert rows > 100
    assert 0 == off


def test_model_that_is_not_exact_is_refused_with_the_reason(accounts: pd.DataFrame, tmp_path: Path) -> None:
    columns = ["loanamt", "price"]
    neighbours = KNeighborsClassifier().fit(accounts[columns], accounts["price"] > 150)

    with pytest.raises(ConversionError, match="and this is none: KNeighborsClassifier"):
        export(neighbours, accounts[columns], tmp_path / "model.onnx", numbers="FP64")
