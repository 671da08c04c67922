"""What the data scientist exports is what the scoring container answers: loaded, verified and equal on every row."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # brings no types

from bankmodel import onnx_file
from bankmodel.exporting.export import Exported, export
from bankmodel.running import Runner
from bankmodel_serving.codec import DecodeLimits
from bankmodel_serving.errors import DigestMismatch
from bankmodel_serving.loading import Loaded, load
from support.fitted import NUMBERS, WORDS, applications, fitted

_SCORERS = ("logistic", "histogram boosting", "calibrated", "xgboost", "lightgbm")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small wait for their threads rather than compute."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module", params=_SCORERS)
def scorer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def exported(scorer: str, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(fitted(scorer), applications(), tmp_path_factory.mktemp("exported") / "model.onnx")


@pytest.fixture(scope="module")
def loaded(exported: Exported) -> Loaded:
    return load(str(exported.path), exported.sha256, DecodeLimits())


def _body(frame: pd.DataFrame) -> bytes:
    """The rows as a caller sends them: null where a value is missing."""
    inputs = [
        {"name": name, "shape": [len(frame), 1], "datatype": datatype, "data": _data(frame[name])}
        for name, datatype in [*((name, "FP32") for name in NUMBERS), *((name, "BYTES") for name in WORDS)]
    ]
    return orjson.dumps({"inputs": inputs})


def _data(column: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def _scores(loaded: Loaded, columns: Sequence[np.ndarray]) -> np.ndarray:
    names = [spec.name for spec in loaded.engine.outputs]
    return loaded.engine.run(columns)[names.index("probabilities")]


def test_container_verifies_the_golden_vectors(loaded: Loaded, exported: Exported) -> None:
    assert loaded.golden_problem is None
    assert exported.card == loaded.card


def test_container_scores_the_sample_as_the_pipeline_does(loaded: Loaded, scorer: str) -> None:
    frame = applications()
    rounded = frame.astype(dict.fromkeys(NUMBERS, np.float32))
    actual = _scores(loaded, loaded.decoder.decode(_body(frame)).columns)

    np.testing.assert_allclose(actual, fitted(scorer).predict_proba(rounded), rtol=0, atol=1e-5)


def test_container_answers_to_the_bit_what_the_export_compared(loaded: Loaded, exported: Exported) -> None:
    columns = loaded.decoder.decode(_body(applications())).columns
    feeds = dict(zip((spec.name for spec in loaded.schema.inputs), columns, strict=True))
    compared = Runner(exported.path.read_bytes()).run(feeds)["probabilities"]

    assert compared.tobytes() == _scores(loaded, columns).tobytes()


def test_absent_input_is_a_missing_value(loaded: Loaded) -> None:
    row = applications().head(1)
    absent = orjson.loads(_body(row))
    absent["inputs"] = [each for each in absent["inputs"] if each["name"] not in ("liq", "property")]
    missing = row.assign(liq=np.nan, property=None)

    assert (
        _scores(loaded, loaded.decoder.decode(_body(missing)).columns).tobytes()
        == _scores(loaded, loaded.decoder.decode(orjson.dumps(absent)).columns).tobytes()
    )


def test_changed_file_is_refused(exported: Exported, tmp_path: Path) -> None:
    changed = tmp_path / "changed.onnx"
    changed.write_bytes(exported.path.read_bytes() + b"\x00")

    with pytest.raises(DigestMismatch):
        load(str(changed), exported.sha256, DecodeLimits())


def test_other_answers_than_the_golden_ones_are_noticed(exported: Exported, tmp_path: Path) -> None:
    """A card that expects a slightly different score: what a newer runtime that computes otherwise would look like."""
    golden = exported.card.golden
    assert golden is not None
    rows = golden.outputs["probabilities"]
    moved = ((rows[0][0] - 0.01, rows[0][1] + 0.01), *rows[1:])
    card = replace(exported.card, golden=replace(golden, outputs={"probabilities": moved}))
    digest = onnx_file.save(onnx_file.load(exported.path), card, tmp_path / "moved.onnx")
    problem = load(str(tmp_path / "moved.onnx"), digest, DecodeLimits()).golden_problem

    assert problem is not None
    assert "output probabilities differs at 2 of" in problem
