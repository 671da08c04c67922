"""The mortgage example's applications three ways: `bankmodel score`, the running server row by row, and session.run."""

import csv
import json

import numpy as np
import pytest

from bankmodel_serving.digest import sha256_of
from bankmodel_serving.engine import session_options
from bankmodel_serving.runtime import onnxruntime
from support.batch_rows import read_rows
from support.batch_runs import run_score
from support.mortgage_example import Example, run_example
from support.scoring_process import ScoringProcess, tensor
from support.tiny_models import ModelFile

_ROWS = 300
_WORDS = ("property_type", "occupancy", "consumer_credit")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return run_example(tmp_path_factory.mktemp("mortgage"))


@pytest.fixture(scope="module")
def applications(example: Example) -> list[dict[str, str]]:
    """The first rows as they stand in the file; an empty text is a missing value."""
    with (example.folder / "sample-2.csv").open(newline="") as file:
        return list(csv.DictReader(file))[:_ROWS]


@pytest.fixture(scope="module")
def model(example: Example) -> ModelFile:
    path = example.folder / "mortgage-2.onnx"
    return ModelFile(path, sha256_of(str(path)))


@pytest.fixture(scope="module")
def scores(example: Example, model: ModelFile, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What `bankmodel score` makes of the whole file, on two processes: the first rows' scores to the bit."""
    target = tmp_path_factory.mktemp("scored") / "scores.parquet"
    words = ["--in", example.folder / "sample-2.csv", "--out", target, "--sha256", model.sha256, "--workers", "2"]
    ended = run_score(model.path, *words, "--batch-rows", "100")
    assert 0 == ended.code, ended.said
    found = read_rows(target)
    assert ["row", "label", "score"] == found.column_names
    return bytes(found.column("score").to_numpy()[:_ROWS].tobytes())


def test_the_running_server_answers_each_row_alike(
    applications: list[dict[str, str]], model: ModelFile, scores: bytes
) -> None:
    with ScoringProcess(model) as server:
        answered = [_asked(server, row) for row in applications]

    assert scores == np.array(answered, dtype=np.float32).tobytes()


def test_onnxruntime_itself_answers_each_row_alike(
    applications: list[dict[str, str]], model: ModelFile, scores: bytes
) -> None:
    session = onnxruntime.InferenceSession(model.path, session_options(), providers=["CPUExecutionProvider"])
    answered = [session.run(["probabilities"], _feed(row))[0][0, 1] for row in applications]

    assert scores == np.array(answered, dtype=np.float32).tobytes()


def _asked(server: ScoringProcess, row: dict[str, str]) -> float:
    inputs = [
        tensor(name, "BYTES" if name in _WORDS else "FP32", [1, 1], [_value(name, word)]) for name, word in row.items()
    ]
    answer = server.infer(*inputs)
    assert 200 == answer.status, answer.text
    (found,) = (each["data"] for each in answer.json["outputs"] if each["name"] == "probabilities")
    return float(found[1])


def _value(name: str, word: str) -> str | float | None:
    if not word:
        return None
    return word if name in _WORDS else json.loads(word)


def _feed(row: dict[str, str]) -> dict[str, np.ndarray]:
    return {
        name: np.array([[word or "__missing__"]], dtype=object)
        if name in _WORDS
        else np.array([[float(word or "nan")]], dtype=np.float32)
        for name, word in row.items()
    }
