"""Linear models and the steps in front of them: the file answers as the pipeline does, within a millionth of the score."""

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    PolynomialFeatures,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)

from bankmodel.exporting.additive import added_up
from bankmodel.exporting.schema import Column, columns_of
from bankmodel.exporting.trees import NotFoldable
from support.exact_linear import TOKEN, Counted, counted
from support.fitted import NUMBERS, WORDS, applications, decisions
from support.hard_rows import hard_rows
from support.linear_models import CALIBRATED, FOR_THREE, LINEAR_CLASSIFIERS, LINEAR_REGRESSORS, LINEAR_STEPS
from support.tree_steps import NUMBER_STEPS, WORD_STEPS, prepared

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # any fit will do

_ROWS = 2_000
_FOR_THE_SAMPLE = ("median, log1p, standard", "spline, open ends", "box-cox")
"""Steps that refuse some hard numbers; and splines that go on beyond their knots, where the pipeline itself rounds."""


def _fitted(numbers: Any, words: Any, model: Any, target: pd.Series | None = None) -> Pipeline:
    prepare = prepared(numbers, words, list(NUMBERS), list(WORDS))
    return make_pipeline(prepare, model).fit(applications(), decisions() if target is None else target)


def _added(pipeline: Any, frame: pd.DataFrame) -> tuple[onnx.ModelProto, tuple[Column, ...]]:
    columns = columns_of(pipeline, frame)
    return added_up(pipeline, frame, columns, token=TOKEN, name="model"), columns


def _counted(pipeline: Any, frame: pd.DataFrame, *, with_hard: bool = True) -> Counted:
    model, columns = _added(pipeline, frame)
    hard = hard_rows(model, frame, _ROWS)
    return counted(pipeline, model, pd.concat([frame, hard], ignore_index=True) if with_hard else frame, columns)


@pytest.mark.parametrize("step", LINEAR_STEPS)
def test_numbers(step: str) -> None:
    seen = _counted(
        _fitted(LINEAR_STEPS[step](), "drop", LogisticRegression(solver="liblinear")),
        applications(),
        with_hard=step not in _FOR_THE_SAMPLE,
    )

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


@pytest.mark.parametrize("step", WORD_STEPS)
def test_words(step: str) -> None:
    seen = _counted(
        _fitted(NUMBER_STEPS["median"](), WORD_STEPS[step](), LogisticRegression(solver="liblinear")), applications()
    )

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


@pytest.mark.parametrize("model", [*LINEAR_CLASSIFIERS, *CALIBRATED])
def test_classifiers(model: str) -> None:
    scorer = {**LINEAR_CLASSIFIERS, **CALIBRATED}[model]()
    seen = _counted(_fitted(LINEAR_STEPS["median, standard"](), WORD_STEPS["one-hot"](), scorer), applications())

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


@pytest.mark.parametrize("model", sorted({*LINEAR_CLASSIFIERS, *FOR_THREE} - {"logistic, liblinear"}))
def test_three_classes(model: str) -> None:
    grades = pd.qcut(applications()["obrat"], 3, labels=["low", "middle", "high"]).astype(str)
    scorer = {**LINEAR_CLASSIFIERS, **FOR_THREE}[model]()
    seen = _counted(
        _fitted(LINEAR_STEPS["median, standard"](), WORD_STEPS["one-hot"](), scorer, grades), applications()
    )

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


@pytest.mark.parametrize("model", LINEAR_REGRESSORS)
def test_regressors(model: str) -> None:
    price = np.log1p(applications()["price"])
    scorer = LINEAR_REGRESSORS[model]()
    seen = _counted(_fitted(LINEAR_STEPS["median, standard"](), WORD_STEPS["one-hot"](), scorer, price), applications())

    assert 0 == seen.off


def test_small_probability_keeps_its_digits() -> None:
    frame = pd.DataFrame({"debt": [-700.0, -60, -30, -20, 0, 20, 700]})
    model = LogisticRegression(C=1e9).fit(frame, frame["debt"] > 10)
    model.coef_[:], model.intercept_[:] = 0.1, -10
    seen = _counted(model, frame, with_hard=False)

    assert 0 == seen.off


def test_mean_far_from_zero_costs_no_digits() -> None:
    frame = pd.DataFrame({"year": 2000.0 + np.arange(400) % 20, "amount": 1e7 + np.arange(400) % 7})
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, np.arange(400) % 20 > 9)
    seen = _counted(pipeline, frame, with_hard=False)

    assert (0, 0) == (seen.off, seen.flips)


def test_doubles_are_told_apart_where_float32_rounds() -> None:
    frame = applications()[["loanamt", "price"]] * 1e6 + 1
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, decisions())
    columns = columns_of(pipeline, frame, "FP64")
    seen = counted(pipeline, added_up(pipeline, frame, columns, token=TOKEN, name="model"), frame, columns)

    assert (0, 0) == (seen.off, seen.flips)


def test_missing_number_counts_as_each_of_its_imputers_says() -> None:
    frame = applications()[["liq", "price"]]
    imputers = FeatureUnion(
        [("mean", SimpleImputer()), ("median", SimpleImputer(strategy="median", add_indicator=True))]
    )
    seen = _counted(make_pipeline(imputers, LogisticRegression(solver="liblinear")).fit(frame, decisions()), frame)

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


def test_missing_number_that_only_a_flag_is_made_of_leaves_the_others_alone() -> None:
    frame = applications()[["liq", "price"]]
    flag = ColumnTransformer([("flag", MissingIndicator(features="all"), ["liq"])], remainder="passthrough")
    seen = _counted(make_pipeline(flag, LogisticRegression(solver="liblinear")).fit(frame, decisions()), frame)

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


def test_coefficients_made_sparse_are_read() -> None:
    frame = applications()[["loanamt", "price"]]
    model = LogisticRegression(solver="liblinear").fit(frame, decisions()).sparsify()
    seen = _counted(model, frame, with_hard=False)

    assert (0, 0, 0) == (seen.off, seen.flips, seen.labels)


def test_ways_of_older_versions_to_treat_three_classes_are_refused() -> None:
    frame = applications()[["loanamt", "price"]]
    model = LogisticRegression(solver="liblinear").fit(frame, decisions())
    model.multi_class = "multinomial"

    with pytest.raises(NotFoldable, match="put OneVsRestClassifier around it"):
        added_up(model, frame, columns_of(model, frame), token=TOKEN, name="model")


_REFUSED = {
    "PolynomialFeatures is not known": PolynomialFeatures(),
    "QuantileTransformer is not known": QuantileTransformer(n_quantiles=10),
    r"FunctionTransformer\(arctan\) is not known": FunctionTransformer(np.arctan),
    "KBinsDiscretizer bins or encodes numbers": make_pipeline(StandardScaler(), KBinsDiscretizer(strategy="uniform")),
    "SplineTransformer behind a spline": make_pipeline(SplineTransformer(), SplineTransformer()),
    "SplineTransformer of degree 3 .periodic. and its": SplineTransformer(extrapolation="periodic"),
}


@pytest.mark.parametrize("reason", _REFUSED)
def test_step_that_is_not_known_is_named(reason: str) -> None:
    frame = applications()[["loanamt", "price"]]
    pipeline = make_pipeline(_REFUSED[reason], LogisticRegression(max_iter=300)).fit(frame, decisions())

    with pytest.raises(NotFoldable, match=reason):
        added_up(pipeline, frame, columns_of(pipeline, frame), token=TOKEN, name="model")
