"""A decision at the cutoff is the pipeline's, though scores are answered in FP32."""

from pathlib import Path

import numpy as np
import onnx
import orjson
import pytest
from onnx import TensorProto, helper

from bankmodel.exporting.deciding import deciding_in_double
from bankmodel.exporting.export import export
from bankmodel.running import Runner
from support.fitted import applications, fitted

_CUTOFFS = (0.5, 0.3, 0.7, 1 / 3, 1e-3, float(np.nextafter(0.5, 1)), 0.0, 1.0)


def _rounding() -> onnx.ModelProto:
    """Answers doubles as FP32, as exact files end."""
    cast = helper.make_node("Cast", ["scores"], ["probabilities"], to=TensorProto.FLOAT)
    graph = helper.make_graph(
        [cast],
        "rounding",
        [helper.make_tensor_value_info("scores", TensorProto.DOUBLE, [None, 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("cutoff", _CUTOFFS)
def test_score_is_on_the_side_of_the_cutoff_on_which_it_is_in_double(cutoff: float, index: int) -> None:
    random = np.random.default_rng(0)
    near = np.clip(cutoff + np.concatenate([random.normal(0, 1e-8, 2000), [0.0, 5e-17, -5e-17, 1e-9, -1e-9]]), 0, 1)
    scores = np.column_stack([near, 1 - near]) if index == 0 else np.column_stack([1 - near, near])
    plain = scores.astype(np.float32)
    model = deciding_in_double(_rounding(), index=index, cutoff=cutoff)
    found = Runner(model.SerializeToString()).run({"scores": scores})["probabilities"]

    answered = np.ascontiguousarray(found[:, index])
    in_json = np.array(orjson.loads(orjson.dumps(answered, option=orjson.OPT_SERIALIZE_NUMPY)))
    for read in (answered, answered.astype(np.float64), in_json):
        assert ((read >= cutoff) == (scores[:, index] >= cutoff)).all()
    np.testing.assert_array_max_ulp(found[:, index], plain[:, index], 2)
    np.testing.assert_array_equal(found[:, 1 - index], plain[:, 1 - index])


def _cutoff_that_rounding_crosses() -> float:
    """Just above what the pipeline says of a row, and below what FP32 makes of it."""
    scores = fitted("histogram boosting").predict_proba(applications())[:, 1]
    return float(np.nextafter(scores[scores.astype(np.float32) > scores][0], 1))


def test_file_that_would_flip_a_row_decides_before_it_rounds(tmp_path: Path) -> None:
    cutoff = _cutoff_that_rounding_crosses()
    report = tmp_path / "report.html"
    made = export(
        *(fitted("histogram boosting"), applications(), tmp_path / "model.onnx"),
        cutoff=cutoff,
        hard_rows=1000,
        report=report,
    )

    assert 0 == made.parity.flips
    assert "in double" == made.card.parity["conversion"]["decisions"]
    assert "exact trees; decides before it rounds" in report.read_text()


def test_pipeline_scores_the_rows_once_though_two_files_are_tried(tmp_path: Path) -> None:
    begun: list[str] = []

    def progress(doing: str, done: int = 0, total: int = 0) -> None:
        if total and not done:
            begun.append(doing)

    cutoff = _cutoff_that_rounding_crosses()
    made = export(
        *(fitted("histogram boosting"), applications(), tmp_path / "model.onnx"),
        cutoff=cutoff,
        hard_rows=1000,
        progress=progress,
    )
    by_pipeline = ("scoring with the pipeline", "scoring rounded inputs", "scoring hard rows with the pipeline")
    by_file = ("scoring with the ONNX file", "scoring hard rows with the ONNX file")
    hard = made.parity.hard
    assert hard is not None

    assert [1, 1, 1] == [begun.count(stage) for stage in by_pipeline]
    assert [2, 2] == [begun.count(stage) for stage in by_file]
    assert (1000, 0) == (hard.found.rows, hard.found.flips)


def test_file_that_flips_nothing_has_no_operator_more(tmp_path: Path) -> None:
    made = export(fitted("histogram boosting"), applications(), tmp_path / "model.onnx", hard_rows=1000)

    assert "decisions" not in made.card.parity["conversion"]
