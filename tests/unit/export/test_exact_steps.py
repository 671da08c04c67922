"""Each known step in front of the trees: folded into them, it changes no score, whatever a caller sends."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import KNNImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder

from bankmodel.exporting.schema import as_feeds, as_original, columns_of
from bankmodel.exporting.trees import NotFoldable, folded
from bankmodel.running import Runner
from support.fitted import NUMBERS, WORDS, applications, decisions
from support.hard_rows import hard_rows
from support.tree_models import CLASSIFIERS
from support.tree_steps import NUMBER_STEPS, PASSING_MISSING, WORD_STEPS, prepared

_TOKEN = "__missing__"


def _differences(pipeline: Any, frame: pd.DataFrame, rows: int = 4_000) -> tuple[float, int]:
    """The largest difference in probability over hard rows, and how many labels differ."""
    columns = columns_of(pipeline, frame)
    model = folded(pipeline, frame, columns, token=_TOKEN, name="model")
    hard = hard_rows(model, frame, rows)
    if "log1p" in repr(pipeline):  # it makes -1 an infinity, which the next step refuses
        hard = hard[~(hard == -1).any(axis=1)]
    given = as_original(pipeline, hard, columns, as_sent=True)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the pipeline says what it thinks of extreme values and unknown words
        expected, labels = pipeline.predict_proba(given), pipeline.predict(given)
    answered = Runner(model.SerializeToString()).run(as_feeds(hard, columns, _TOKEN))
    off = np.abs(answered["probabilities"] - expected).max()
    return float(off), int((answered["label"] != labels).sum())


def _fitted(numbers: Any, words: Any, model: str) -> Pipeline:
    prepare = prepared(numbers, words, list(NUMBERS), list(WORDS))
    return make_pipeline(prepare, CLASSIFIERS[model]()).fit(applications(), decisions())


@pytest.mark.parametrize("model", ["boosting", "histogram boosting"])
@pytest.mark.parametrize("step", NUMBER_STEPS)
def test_numbers(step: str, model: str) -> None:
    off, labels = _differences(_fitted(NUMBER_STEPS[step](), "drop", model), applications())

    assert off <= 1e-7
    assert 0 == labels


@pytest.mark.parametrize("model", ["forest", "histogram boosting"])
@pytest.mark.parametrize("step", PASSING_MISSING)
def test_numbers_that_stay_missing(step: str, model: str) -> None:
    off, labels = _differences(_fitted(PASSING_MISSING[step](), "drop", model), applications())

    assert off <= 1e-7
    assert 0 == labels


@pytest.mark.parametrize("model", ["boosting", "histogram boosting"])
@pytest.mark.parametrize("step", WORD_STEPS)
def test_words(step: str, model: str) -> None:
    off, labels = _differences(_fitted(NUMBER_STEPS["median"](), WORD_STEPS[step](), model), applications())

    assert off <= 1e-7
    assert 0 == labels


@pytest.mark.parametrize(
    "encoder",
    [OneHotEncoder(handle_unknown="ignore"), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)],
)
def test_numbers_that_are_names(encoder: Any) -> None:
    frame = applications()[["loanamt", "price"]].assign(terms=np.arange(1989) % 5 * 12.5, flag=np.arange(1989) % 3 > 0)
    prepare = ColumnTransformer([("codes", encoder, ["terms", "flag"])], remainder="passthrough")
    off, labels = _differences(
        make_pipeline(prepare, CLASSIFIERS["histogram boosting"]()).fit(
            frame, frame["terms"] + 10 * frame["flag"] > 30
        ),
        frame,
    )

    assert off <= 1e-7
    assert 0 == labels


_REFUSED = {
    "KNNImputer is not known": KNNImputer(),
    r"FunctionTransformer\(sin\) is not known to be monotone": FunctionTransformer(np.sin),
    "turn where nobody looks": make_pipeline(MinMaxScaler((1, 2)), FunctionTransformer(np.log)),
}


@pytest.mark.parametrize("reason", _REFUSED)
def test_step_that_is_not_known_to_be_monotone_is_named(reason: str) -> None:
    frame = applications()[list(NUMBERS)]
    pipeline = make_pipeline(_REFUSED[reason], CLASSIFIERS["histogram boosting"]()).fit(frame, decisions())

    with pytest.raises(NotFoldable, match=reason):
        folded(pipeline, frame, columns_of(pipeline, frame), token=_TOKEN, name="model")
