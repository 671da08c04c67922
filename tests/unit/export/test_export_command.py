"""`bankmodel export` as a user meets it: progress, the comparison, exit codes, and messages that say what to do."""

from pathlib import Path

import pytest

from bankmodel import onnx_file
from support.command import Command
from support.fitted import applications


def test_written_file_s_digest_is_all_of_standard_output(
    bankmodel: Command, script: Path, sample: Path, tmp_path: Path
) -> None:
    target = tmp_path / "model.onnx"
    found = bankmodel("export", f"{script}:exact", "--sample", sample, "-o", target)

    assert (0, f"sha256:{onnx_file.sha256_of(target)}\n") == (found.code, found.out)
    assert f"written {target}" in found.err


def test_stages_and_comparison_are_shown(bankmodel: Command, script: Path, sample: Path, tmp_path: Path) -> None:
    shown = bankmodel("export", f"{script}:exact", "--sample", sample, "-o", tmp_path / "model.onnx").err
    stages = ("loading the pipeline", "converting to ONNX", "scoring with the pipeline", "scoring with the ONNX file")

    assert [True] * len(stages) == [f"{stage} …" in shown for stage in stages]
    assert "1,989 rows compared: pipeline and ONNX file agree within 1e-05 on all" in shown


def test_difference_ends_with_exit_code_4_rows_and_flips(
    bankmodel: Command, script: Path, sample: Path, tmp_path: Path
) -> None:
    found = bankmodel("export", f"{script}:scaled_trees", "--sample", sample, "-o", tmp_path / "model.onnx")

    assert (4, "") == (found.code, found.out)
    assert "decisions flipped at cutoff 0.5" in found.err
    assert "row of the sample" in found.err
    assert "flips" in found.err
    assert "leave it out, trees need none" in found.err
    assert "--accept TOLERANCE" in found.err
    assert not (tmp_path / "model.onnx").exists()


def test_accepted_difference_is_shown_and_in_the_card(
    bankmodel: Command, script: Path, sample: Path, tmp_path: Path
) -> None:
    target = tmp_path / "model.onnx"
    found = bankmodel("export", f"{script}:scaled_trees", "--sample", sample, "-o", target, "--accept", "0.9")
    card = onnx_file.card_in(onnx_file.load(target))
    assert card is not None

    assert (0, 0.9) == (found.code, card.parity["accepted"])
    assert "taken with --accept 0.9, as the card says" in found.err
    assert "accepted up to 0.9" in " ".join(bankmodel("inspect", target).out.split())


_MISTAKES = {
    "no such sample": (["{script}:exact", "--sample", "none.csv"], "none.csv does not exist; give a .csv or .parquet"),
    "other kind of sample": (["{script}:exact", "--sample", "{script}"], "ends in '.py'; give a .csv or .parquet file"),
    "no such script": (["none.py:exact", "--sample", "{sample}"], "none.py does not exist; give the training script"),
    "no such attribute": (["{script}:model", "--sample", "{sample}"], "has no 'model'; give a fitted pipeline or"),
    "no attribute": (["{script}", "--sample", "{sample}"], "write module:attribute or path/to/train.py:attribute"),
    "no such module": (["nothing_here:x", "--sample", "{sample}"], "no module 'nothing_here' here; give its file"),
    "a pickle": (["model.pkl:x", "--sample", "{sample}"], "pickle and joblib files are not read"),
    "needs arguments": (["support.fitted:fitted", "--sample", "{sample}"], "fitted needs scorer; name the fitted"),
    "no pipeline": (["support.fitted:NUMBERS", "--sample", "{sample}"], "a tuple can't score; give a fitted"),
    "not fitted": (["unfitted_here:model", "--sample", "{sample}"], "is not fitted; call fit() before export"),
    "columns lacking": (["{script}:exact", "--sample", "{narrow}"], "lacks columns the pipeline was fitted with: prop"),
    "empty tolerance": (["{script}:exact", "--sample", "{sample}", "--accept", "0"], "give a positive difference"),
    "no time": (["{script}:exact", "--sample", "{sample}", "--trained-at", "x"], "'x' is not one; write it as 2026-"),
    "no class": (["{script}:exact", "--sample", "{sample}", "--positive", "x"], "no class 'x'; its classes are 0, 1"),
}


@pytest.fixture
def places(script: Path, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """What the table's placeholders stand for; `unfitted_here` can be imported."""
    narrow = tmp_path / "narrow.csv"
    applications().drop(columns="property").to_csv(narrow, index=False)
    (tmp_path / "unfitted_here.py").write_text(
        "from sklearn.linear_model import LogisticRegression as L\nmodel = L()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return {"script": script, "sample": sample, "narrow": narrow}


@pytest.mark.parametrize(("words", "message"), _MISTAKES.values(), ids=_MISTAKES)
def test_mistake_says_what_to_do(
    words: list[str], message: str, bankmodel: Command, places: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "model.onnx"
    found = bankmodel("export", *[word.format(**places) for word in words], "-o", target)

    assert (2, "") == (found.code, found.out)
    assert found.err.splitlines()[-1].startswith("error: ")
    assert message in found.err
    assert "Traceback" not in found.err
    assert not target.exists()


def test_directory_that_can_t_be_written_is_named(bankmodel: Command, script: Path, sample: Path) -> None:
    found = bankmodel("export", f"{script}:exact", "--sample", sample, "-o", "/proc/none/model.onnx")

    assert 2 == found.code
    assert "can't write /proc/none/model.onnx" in found.err
    assert "give an --output in a directory you may write to" in found.err
