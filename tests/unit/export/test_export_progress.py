"""Long work shows where it is: each stage is told, counted where it can be, and never counts backwards."""

import pytest

from bankmodel.exporting.export import export
from support.fitted import applications, fitted

_COUNTED = {
    "moving thresholds to the columns": 33,
    "writing the trees": 20,
    "scoring with the pipeline": 1989,
    "scoring with the ONNX file": 1989,
    "trying a missing value in each column": 8,
    "scoring hard rows with the pipeline": 3_000,
    "scoring hard rows with the ONNX file": 3_000,
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int, int]]:
    """What the export of a forest of 20 trees reported."""
    found: list[tuple[str, int, int]] = []

    def progress(doing: str, done: int = 0, total: int = 0) -> None:
        found.append((doing, done, total))

    target = tmp_path_factory.mktemp("progress") / "model.onnx"
    export(fitted("forest"), applications(), target, hard_rows=3_000, progress=progress)
    return found


@pytest.mark.parametrize(("stage", "total"), _COUNTED.items(), ids=_COUNTED)
def test_stage_counts_up_to_its_end(stage: str, total: int, told: list[tuple[str, int, int]]) -> None:
    done = [each[1] for each in told if each[0] == stage]

    assert len(done) > 1
    assert sorted(done) == done
    assert {total} == {each[2] for each in told if each[0] == stage}
    assert done[-1] >= 0.9 * total


def test_stages_without_a_count_are_told_too(told: list[tuple[str, int, int]]) -> None:
    stages = list(dict.fromkeys(each[0] for each in told))

    assert ["reading the sample", "converting to ONNX"] == stages[:2]
    assert "writing the file" == stages[-1]
