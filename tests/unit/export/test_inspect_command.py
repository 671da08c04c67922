"""`bankmodel inspect`: the file and its card on one screen, or whole for programs."""

import json
from pathlib import Path

import pytest

from bankmodel.exporting.export import Exported
from bankmodel_serving import card as cards
from support import tiny_models
from support.command import Command, Printed
from support.fitted import NUMBERS, WORDS


def _words(printed: Printed) -> str:
    return " ".join(printed.out.split())


@pytest.mark.parametrize(
    "said",
    [
        "model mortgage-approval 2026.11",
        "trained 2026-11-01T00:00:00Z",
        "probability of class 1, decides at 0.7",
        "0 of 1,989 rows differ from the pipeline by more than 1e-05",
        "a caller sends null, the model gets __missing__",
        "rtol 0.0001, atol 1e-06",
        "scikit-learn",
        "probabilities FP32 any, 2",
        "single family",
    ],
)
def test_screen_says(said: str, bankmodel: Command, exported: Exported) -> None:
    assert said in _words(bankmodel("inspect", exported.path))


def test_screen_of_80_columns_cuts_neither_digest_nor_names(
    bankmodel: Command, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = bankmodel("inspect", exported.path).out

    assert exported.sha256 in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert [True] * 8 == [f" {name} " in shown for name in (*NUMBERS, *WORDS)]


def test_document_holds_the_whole_card(bankmodel: Command, exported: Exported) -> None:
    found = json.loads(bankmodel("inspect", exported.path, "--json").out)

    assert exported.sha256 == found["sha256"]
    assert json.loads(cards.write(exported.card)) == found["card"]
    assert {"name": "loanamt", "datatype": "FP32", "shape": [None, 1]} == found["inputs"][0]
    assert ["label", "probabilities"] == [put["name"] for put in found["outputs"]]


def test_plain_file_is_shown_with_the_way_to_a_card(bankmodel: Command, tmp_path: Path) -> None:
    path = tiny_models.save(tiny_models.mixed(), tmp_path / "plain.onnx").path
    shown = _words(bankmodel("inspect", path))

    assert "no card in this file; `bankmodel card FILE --sample DATA` gives it one" in shown
    assert "visits INT64 any, 1" in shown
    assert json.loads(bankmodel("inspect", path, "--json").out)["card"] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist"), (b"a,b\n1,2\n", "is not an ONNX file"), (b"", "it holds no graph")],
    ids=["absent", "text", "empty"],
)
def test_other_file_is_refused(content: bytes | None, message: str, bankmodel: Command, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    found = bankmodel("inspect", path)

    assert (2, "") == (found.code, found.out)
    assert message in found.err


def test_directory_is_refused_as_one(bankmodel: Command, tmp_path: Path) -> None:
    assert "is a directory; give the ONNX file itself" in bankmodel("inspect", tmp_path).err


def test_unreadable_card_names_its_field(bankmodel: Command, tmp_path: Path) -> None:
    path = tiny_models.save(tiny_models.mixed(), tmp_path / "odd.onnx", card='{"cardVersion": 9}').path
    found = bankmodel("inspect", path)

    assert 2 == found.code
    assert "card.cardVersion is 9" in found.err
