"""Trees decide on the caller's columns as the pipeline does, to the last float: no step in front of them is converted."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from bankmodel import onnx_file
from bankmodel.exporting.export import export
from bankmodel.exporting.schema import as_feeds, columns_of
from bankmodel.exporting.trees import NotFoldable, folded
from bankmodel.running import Runner
from support.fitted import applications, decisions
from support.hard_rows import hard_rows
from support.tree_models import BOOSTERS, BOOSTING_REGRESSORS, CLASSIFIERS, REGRESSORS, TAKE_MISSING

_COMPLETE = ["loanamt", "atotinc", "price", "apr", "hrat", "obrat"]
_TOKEN = "__missing__"


def _boosted(**settings: Any) -> GradientBoostingClassifier:
    return GradientBoostingClassifier(n_estimators=20, random_state=0, **settings)


def _numbers() -> pd.DataFrame:
    return applications()[_COMPLETE]


def _with_missing() -> pd.DataFrame:
    return applications()[[*_COMPLETE, "liq"]]


def _graded() -> pd.Series:
    price = applications()["price"]
    return pd.Series(np.select([price < 130, price < 210], ["low", "middle"], "high"))


def _scaled(model: Any, target: pd.Series, frame: pd.DataFrame | None = None) -> Any:
    rows = _numbers() if frame is None else frame
    return make_pipeline(StandardScaler(), model).fit(rows, target), rows


_CASES: dict[str, Callable[[], tuple[Any, pd.DataFrame]]] = {
    "no step": lambda: (_boosted().fit(_numbers(), decisions()), _numbers()),
    "three scalers": lambda: (
        make_pipeline(MinMaxScaler((-2, 3)), RobustScaler(), MaxAbsScaler(), _boosted()).fit(_numbers(), decisions()),
        _numbers(),
    ),
    "fitted on an array": lambda: (
        make_pipeline(StandardScaler(), _boosted()).fit(_numbers().to_numpy(), decisions()),
        _numbers(),
    ),
    "exponential loss": lambda: _scaled(_boosted(loss="exponential"), decisions()),
    **{
        f"scaler, {name}": partial(lambda make: _scaled(make(), decisions()), make)
        for name, make in CLASSIFIERS.items()
    },
    **{
        f"scaler, {name} that takes missing values": partial(
            lambda make: _scaled(make(), decisions(), _with_missing()), make
        )
        for name, make in BOOSTERS.items()
    },
    **{
        f"scaler, {name}, three classes": partial(lambda make: _scaled(make(), _graded().map(len) % 3), make)
        for name, make in BOOSTERS.items()
    },
    **{
        f"scaler, {name}": partial(lambda make: _scaled(make(), applications()["price"]), make)
        for name, make in BOOSTING_REGRESSORS.items()
    },
    **{
        f"scaler, {name}, three text classes": partial(lambda make: _scaled(make(), _graded()), make)
        for name, make in CLASSIFIERS.items()
    },
    **{
        f"scaler, {name}": partial(lambda make: _scaled(make(), decisions()), make) for name, make in REGRESSORS.items()
    },
    **{
        f"scaler, {name} that takes missing values": partial(
            lambda make: _scaled(make(), decisions(), _with_missing()), CLASSIFIERS[name]
        )
        for name in TAKE_MISSING
    },
}


@pytest.mark.parametrize("make", _CASES.values(), ids=_CASES)
def test_scores_and_labels_are_the_pipelines_at_every_threshold_and_beside_it(
    make: Callable[[], tuple[Any, pd.DataFrame]],
) -> None:
    pipeline, frame = make()
    columns = columns_of(pipeline, frame)
    model = folded(pipeline, frame, columns, token=_TOKEN, name="model")
    rows = hard_rows(model, frame, 4_000)
    given = rows if hasattr(pipeline, "feature_names_in_") else rows.to_numpy()
    answered = Runner(model.SerializeToString()).run(as_feeds(rows, columns, _TOKEN))

    near = 1e-7
    if not hasattr(pipeline, "classes_"):
        np.testing.assert_allclose(answered["prediction"][:, 0], pipeline.predict(given), rtol=near, atol=0)
        return
    np.testing.assert_allclose(answered["probabilities"], pipeline.predict_proba(given), rtol=0, atol=near)
    assert pipeline.predict(given).tolist() == answered["label"].tolist()


def test_splits_that_no_value_decides() -> None:
    frame = _numbers()
    deaf = make_pipeline(MinMaxScaler((0, 0.1)), FunctionTransformer(np.floor), _boosted())
    deaf.fit(frame, decisions())
    deaf[-1].estimators_ = _boosted().fit(frame, decisions()).estimators_
    columns = columns_of(deaf, frame)
    model = folded(deaf, frame, columns, token=_TOKEN, name="model")
    answered = Runner(model.SerializeToString()).run(as_feeds(frame, columns, _TOKEN))

    np.testing.assert_allclose(answered["probabilities"], deaf.predict_proba(frame), rtol=0, atol=1e-7)


def test_card_says_that_the_trees_are_exact(tmp_path: Path) -> None:
    made = export(_scaled(_boosted(), decisions())[0], _numbers(), tmp_path / "model.onnx")
    kinds = [node.op_type for node in onnx_file.load(made.path).graph.node]

    assert {"way": "exact trees"} == made.card.parity["conversion"]
    assert "Scaler" not in kinds
    assert "TreeEnsemble" in kinds


def test_card_says_why_another_model_goes_the_standard_way(tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), GaussianNB()).fit(_numbers(), decisions())
    made = export(pipeline, _numbers(), tmp_path / "model.onnx", accept=0.1)

    assert "standard" == made.card.parity["conversion"]["way"]
    assert "GaussianNB" in made.card.parity["conversion"]["because"]


def test_model_whose_first_guess_is_a_model_goes_the_standard_way_and_is_judged(tmp_path: Path) -> None:
    pipeline = _boosted(init=LogisticRegression(solver="liblinear")).fit(_numbers(), decisions())
    frame = _numbers()
    with pytest.raises(NotFoldable, match="first guess"):
        folded(pipeline, frame, columns_of(pipeline, frame), token=_TOKEN, name="model")
