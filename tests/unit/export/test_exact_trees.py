"""Trees decide on the caller's columns as the pipeline does, to the last float: no step in front of them is converted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from bankmodel import onnx_file
from bankmodel.exporting.export import export
from bankmodel.exporting.schema import as_feeds, columns_of
from bankmodel.exporting.trees import folded
from bankmodel.running import Runner
from support.fitted import applications, decisions
from support.hard_rows import hard_rows

_COMPLETE = ["loanamt", "atotinc", "price", "apr", "hrat", "obrat"]
_TOKEN = "__missing__"


def _boosted(**settings: Any) -> GradientBoostingClassifier:
    return GradientBoostingClassifier(n_estimators=20, random_state=0, **settings)


def _numbers() -> pd.DataFrame:
    return applications()[_COMPLETE]


def _graded() -> pd.Series:
    price = applications()["price"]
    return pd.Series(np.select([price < 130, price < 210], ["low", "middle"], "high"))


_NUMBER_PIPELINES: dict[str, Callable[[], Any]] = {
    "no step": lambda: _boosted().fit(_numbers(), decisions()),
    "standard scaler": lambda: make_pipeline(StandardScaler(), _boosted()).fit(_numbers(), decisions()),
    "three scalers": lambda: make_pipeline(MinMaxScaler((-2, 3)), RobustScaler(), MaxAbsScaler(), _boosted()).fit(
        _numbers(), decisions()
    ),
    "fitted on an array": lambda: make_pipeline(StandardScaler(), _boosted()).fit(_numbers().to_numpy(), decisions()),
    "exponential loss": lambda: make_pipeline(StandardScaler(), _boosted(loss="exponential")).fit(
        _numbers(), decisions()
    ),
    "three text classes": lambda: make_pipeline(StandardScaler(), _boosted()).fit(_numbers(), _graded()),
}


@pytest.mark.parametrize("make", _NUMBER_PIPELINES.values(), ids=_NUMBER_PIPELINES)
def test_scores_and_labels_are_the_pipelines_at_every_threshold_and_beside_it(make: Callable[[], Any]) -> None:
    pipeline, frame = make(), _numbers()
    columns = columns_of(pipeline, frame)
    model = folded(pipeline, frame, columns, name="model")
    rows = hard_rows(model, frame, 4_000)
    given = rows if hasattr(pipeline, "feature_names_in_") else rows.to_numpy()
    answered = Runner(model.SerializeToString()).run(as_feeds(rows, columns, _TOKEN))

    np.testing.assert_allclose(answered["probabilities"], pipeline.predict_proba(given), rtol=0, atol=1e-7)
    assert pipeline.predict(given).tolist() == answered["label"].tolist()


def test_card_says_that_the_trees_are_exact(tmp_path: Path) -> None:
    made = export(_NUMBER_PIPELINES["standard scaler"](), _numbers(), tmp_path / "model.onnx")
    kinds = [node.op_type for node in onnx_file.load(made.path).graph.node]

    assert {"way": "exact trees"} == made.card.parity["conversion"]
    assert "Scaler" not in kinds
    assert "TreeEnsemble" in kinds


def test_card_says_why_another_model_goes_the_standard_way(tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(_numbers(), decisions())
    made = export(pipeline, _numbers(), tmp_path / "model.onnx")

    assert "standard" == made.card.parity["conversion"]["way"]
    assert "LogisticRegression" in made.card.parity["conversion"]["because"]


def test_model_whose_first_guess_is_a_model_goes_the_standard_way_and_is_judged(tmp_path: Path) -> None:
    pipeline = _boosted(init=LogisticRegression(solver="liblinear")).fit(_numbers(), decisions())
    from bankmodel.exporting.trees import NotFoldable

    frame = _numbers()
    with pytest.raises(NotFoldable, match="first guess"):
        folded(pipeline, frame, columns_of(pipeline, frame), name="model")
