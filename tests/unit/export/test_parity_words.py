"""What the comparison is told as: on the screen of an export, and in the card that `bankmodel inspect` shows."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bankmodel import onnx_file
from bankmodel.exporting.export import Exported
from bankmodel.exporting.parity import HardParity, Parity, compare, comparison
from bankmodel.terminal import show_parity
from support.command import Command
from support.fitted import applications


def _matrix(*scores: float) -> np.ndarray:
    return np.column_stack([1 - np.array(scores), np.array(scores)])


def _with_hard(hard: HardParity) -> Parity:
    same = _matrix(0.4, 0.6)
    scores = {"original": same, "rounded": same, "converted": same}
    found = compare(scores, index=1, cutoff=0.5, accepted=None)
    return Parity(found.sample, found.cutoff, None, found.rounding, hard=hard)


def _shown(hard: HardParity) -> str:
    written = io.StringIO()
    show_parity(Console(file=written, width=100), _with_hard(hard))
    return " ".join(written.getvalue().split())


def test_hard_rows_that_agree_are_one_line() -> None:
    found = comparison(_matrix(0.4), _matrix(0.4), index=1, cutoff=0.5, relative=False)

    assert "1 hard rows compared: pipeline and ONNX file agree within 1e-05 on all" in _shown(HardParity(found, 1))


def test_hard_rows_that_differ_are_counted_with_flips_and_shown() -> None:
    found = comparison(_matrix(0.4, 0.6), _matrix(0.7, 0.6), index=1, cutoff=0.5, relative=False)
    said = _shown(HardParity(found, 2))

    assert "2 hard rows compared: 1 row differ by more than 1e-05, at most by 0.3; 1 decision flipped" in said
    assert "hard row pipeline ONNX file" in said


def test_flip_within_the_tolerance_is_shown() -> None:
    found = comparison(_matrix(0.4999999), _matrix(0.5), index=1, cutoff=0.5, relative=False)

    assert (0, 1, 1) == (found.rows_off, found.flips, len(found.differences))
    assert "1 decision flipped at cutoff 0.5" in _shown(HardParity(found, 1))


@pytest.mark.parametrize(
    ("asked", "why"), [(0, "none were asked for"), (10, "none are of a kind that a pod and the pipeline take")]
)
def test_no_hard_rows_are_a_warning(asked: int, why: str) -> None:
    nothing = np.empty((0, 1))
    found = comparison(nothing, nothing, index=0, cutoff=None, relative=False)

    assert f"no hard rows were tried: {why}; the card says so" in _shown(HardParity(found, asked))


def test_what_the_pipeline_refuses_is_named() -> None:
    found = comparison(_matrix(0.4), _matrix(0.4), index=1, cutoff=0.5, relative=False)
    said = _shown(HardParity(found, 3, 2, {"price": "1 of 9: numbers beyond 1 … 8"}))

    assert "left out, for the pipeline refuses them: price, 1 of 9: numbers beyond 1 … 8" in said
    assert "left out, for the pipeline refuses them: 2 hard rows" in said


def test_difference_of_a_regressor_is_a_share_of_a_large_prediction() -> None:
    large, near = np.array([[250_000.0]]), np.array([[250_000.5]])

    assert 2e-6 == comparison(large, near, index=0, cutoff=None, relative=True).worst
    assert 0.5 == comparison(large, near, index=0, cutoff=None, relative=False).worst


def test_number_on_one_side_alone_is_null_in_the_card() -> None:
    found = comparison(_matrix(0.4), _matrix(np.nan), index=1, cutoff=0.5, relative=False)

    assert (1, None) == (found.as_card()["rowsOff"], found.as_card()["worst"])


def test_same_infinity_on_both_sides_is_no_difference() -> None:
    endless = np.array([[np.inf]])

    assert 0.0 == comparison(endless, endless, index=0, cutoff=None, relative=True).worst


def test_screen_of_the_file_tells_of_hard_rows_and_of_the_way(bankmodel: Command, exported: Exported) -> None:
    said = " ".join(bankmodel("inspect", exported.path).out.split())

    assert "0 of 100,000 rows on thresholds, missing, unknown and extreme differ from the pipeline" in said
    assert "exact linear" in said


def test_export_without_hard_rows_says_so(bankmodel: Command, script: Path, sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    found = bankmodel("export", f"{script}:exact", "--sample", sample, "-o", target, "--hard-rows", "0")

    assert "no hard rows were tried: none were asked for" in found.err
    assert "none were tried of 0 asked for" in " ".join(bankmodel("inspect", target).out.split())


def test_card_of_before_is_still_shown(bankmodel: Command, exported: Exported, tmp_path: Path) -> None:
    """Written before hard rows were tried: no `hard`, no `relative`."""
    old = {key: value for key, value in exported.card.parity.items() if key not in ("hard", "relative")}
    path = tmp_path / "old.onnx"
    onnx_file.save(onnx_file.load(exported.path), replace(exported.card, parity=old), path)
    found = bankmodel("inspect", path)

    assert 0 == found.code
    assert f"of {len(applications()):,} rows differ" in " ".join(found.out.split())
    assert "hard rows" not in found.out
