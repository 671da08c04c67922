"""Steps of one's own that are declared monotone: exact where that is so, and refused where a look shows that it is not."""

import pickle
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from bankmodel import monotone
from bankmodel.errors import UsageError
from bankmodel.exporting.export import export
from bankmodel.exporting.schema import as_feeds, columns_of
from bankmodel.exporting.trees import NotFoldable, folded
from bankmodel.running import Runner
from support.fitted import NUMBERS, WORDS, applications, decisions
from support.hard_rows import hard_rows
from support.tree_models import CLASSIFIERS

_TOKEN = "__missing__"


@monotone
def capped(values: Any) -> Any:
    """At most 400, and by steps of 5."""
    return np.minimum(np.floor(np.asarray(values) / 5) * 5, 400)


@monotone(turns=(0.0,))
def logarithm(values: Any) -> Any:
    """Of numbers above 0 alone."""
    with np.errstate(all="ignore"):
        return np.log(np.asarray(values))


@monotone(turns=(150.0,))
def distance(values: Any) -> Any:
    """It falls down to 150, and rises from there."""
    return np.abs(np.asarray(values) - 150)


@monotone
class Share(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """The column as a share of its largest value when it was fitted."""

    def fit(self, rows: Any, target: Any = None) -> Self:
        self.largest_ = np.nanmax(np.asarray(rows), axis=0)
        return self

    def transform(self, rows: Any) -> Any:
        return np.asarray(rows) / self.largest_


@monotone
def waves(values: Any) -> Any:
    """A lie: it rises and falls."""
    return np.sin(np.asarray(values) / 20)


@monotone
def beside_others(values: Any) -> Any:
    """A lie: a row's first column is in all of its columns."""
    return np.asarray(values) - np.asarray(values)[:, :1]


@monotone
def among_rows(values: Any) -> Any:
    """A lie: it hangs on the other rows."""
    return np.asarray(values) - np.nanmean(np.asarray(values), axis=0)


_COLUMNS = ["loanamt", "price", "apr"]


def _fitted(step: Any, model: str) -> Any:
    frame = applications()[_COLUMNS]
    return make_pipeline(step, StandardScaler(), CLASSIFIERS[model]()).fit(frame, decisions())


def _refusal_of(pipeline: Any) -> str:
    frame = applications()
    with pytest.raises(NotFoldable) as refusal:
        folded(pipeline, frame, columns_of(pipeline, frame), token=_TOKEN, name="model")
    return str(refusal.value)


_HONEST = {
    "function with steps": FunctionTransformer(capped),
    "function that takes some numbers": FunctionTransformer(logarithm),
    "function that turns": FunctionTransformer(distance),
    "function with settings": FunctionTransformer(monotone(lambda values, by: values * by), kw_args={"by": 3}),
    "transformer": Share(),
}


@pytest.mark.parametrize("model", ["boosting", "histogram boosting"])
@pytest.mark.parametrize("step", _HONEST.values(), ids=_HONEST)
def test_declared_step_changes_no_score(step: Any, model: str) -> None:
    if step.get_params().get("func") is logarithm:
        model = "histogram boosting"  # which takes what is no number
    pipeline, frame = _fitted(clone(step), model), applications()[_COLUMNS]
    columns = columns_of(pipeline, frame)
    graph = folded(pipeline, frame, columns, token=_TOKEN, name="model")
    rows = hard_rows(graph, frame, 4_000)
    rows = rows[(rows > 0).all(axis=1)]
    answered = Runner(graph.SerializeToString()).run(as_feeds(rows, columns, _TOKEN))

    np.testing.assert_allclose(answered["probabilities"], pipeline.predict_proba(rows), rtol=0, atol=1e-7)


_LIES = {
    "waves": (waves, "FunctionTransformer is declared monotone, and turns back"),
    "columns": (beside_others, "mixes columns or rows"),
    "rows": (among_rows, "mixes columns or rows"),
}


@pytest.mark.parametrize(("function", "reason"), _LIES.values(), ids=_LIES)
def test_declaration_that_is_not_so_is_found(function: Any, reason: str) -> None:
    assert reason in _refusal_of(_fitted(FunctionTransformer(function), "histogram boosting"))


def test_where_it_turns_must_be_said() -> None:
    silent = monotone(lambda values: np.abs(np.asarray(values) - 150))

    assert "turns back" in _refusal_of(_fitted(FunctionTransformer(silent), "histogram boosting"))


def test_text_has_no_order() -> None:
    lower = FunctionTransformer(monotone(lambda words: words.apply(lambda column: column.str.lower())))
    prepare = ColumnTransformer(
        [("words", make_pipeline(lower, OneHotEncoder(sparse_output=False)), list(WORDS))], remainder="passthrough"
    )
    pipeline = make_pipeline(prepare, CLASSIFIERS["histogram boosting"]()).fit(applications(), decisions())

    assert "text has no order" in _refusal_of(pipeline)


def test_declaration_survives_a_copy_and_a_pickle(tmp_path: Path) -> None:
    pipeline = make_pipeline(FunctionTransformer(capped), Share(), CLASSIFIERS["histogram boosting"]())
    frame = applications()[list(NUMBERS)]
    again = pickle.loads(pickle.dumps(clone(pipeline).fit(frame, decisions())))

    assert {"way": "exact trees"} == export(again, frame, tmp_path / "model.onnx").card.parity["conversion"]


@pytest.mark.parametrize(("what", "reason"), [(abs, "abs takes no mark"), (3, "a int can't be declared")])
def test_what_can_t_be_declared_is_refused(what: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        monotone(what)
