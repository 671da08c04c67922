"""Histogram gradient boosting that splits on categories itself: codes from an encoder, its own encoding, numbers that are names."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from bankmodel.exporting.schema import as_feeds, as_original, columns_of
from bankmodel.exporting.trees import folded
from bankmodel.running import Runner
from support.fitted import applications, decisions
from support.hard_rows import hard_rows

_TOKEN = "__missing__"
_REGIONS = [f"region {number}" for number in range(40)]


def _frame() -> pd.DataFrame:
    """The applications with a region of forty, known codes 0 to 5 and a decision that hangs on the region."""
    random = np.random.default_rng(0)
    return applications().assign(region=random.choice(_REGIONS, 1989), code=random.integers(0, 6, 1989).astype(float))


def _target(frame: pd.DataFrame) -> pd.Series:
    target: pd.Series = decisions() ^ frame["region"].isin(_REGIONS[::3])
    return target


def _boosted(categories: Any) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=20, categorical_features=categories, random_state=0)


def _assert_exact(pipeline: Any, frame: pd.DataFrame) -> None:
    columns = columns_of(pipeline, frame)
    model = folded(pipeline, frame, columns, token=_TOKEN, name="model")
    hard = hard_rows(model, frame, 4_000)
    given = as_original(pipeline, hard, columns, as_sent=True)
    for name in frame.select_dtypes("category"):
        known = frame[name].cat.categories
        given[name] = pd.Categorical(given[name].where(given[name].isin(known)), categories=known)
    answered = Runner(model.SerializeToString()).run(as_feeds(hard, columns, _TOKEN))

    assert any(attribute.name == "membership_values" for node in model.graph.node for attribute in node.attribute)
    np.testing.assert_allclose(answered["probabilities"], pipeline.predict_proba(given), rtol=0, atol=1e-7)
    assert pipeline.predict(given).tolist() == answered["label"].tolist()


def test_codes_from_an_encoder() -> None:
    frame = _frame()
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    prepare = ColumnTransformer([("words", encoder, ["property", "region"])], remainder="passthrough")

    _assert_exact(make_pipeline(prepare, _boosted([0, 1, 9])).fit(frame, _target(frame)), frame)


def test_columns_of_categories_that_the_model_encodes() -> None:
    frame = _frame().astype({"property": "category", "region": "category"})

    _assert_exact(_boosted("from_dtype").fit(frame, _target(frame)), frame)


def test_numbers_that_are_names() -> None:
    frame = _frame()

    _assert_exact(
        _boosted(["code"]).fit(frame.drop(columns=["property", "region"]), frame["code"].isin([1, 2, 4])),
        frame.drop(columns=["property", "region"]),
    )


def test_codes_for_lightgbm() -> None:
    from lightgbm import LGBMClassifier

    frame = _frame()
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    prepare = ColumnTransformer([("words", encoder, ["property", "region"])], remainder="passthrough")
    model = LGBMClassifier(n_estimators=20, n_jobs=1, random_state=0, verbose=-1)

    _assert_exact(
        make_pipeline(prepare, model).fit(frame, _target(frame), lgbmclassifier__categorical_feature=[0, 1]), frame
    )
