"""Random monotone steps in front of random trees: what no list of examples has. Used by the property test."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from bankmodel.exporting.hard import thresholds_of
from bankmodel.exporting.schema import as_feeds, columns_of
from bankmodel.exporting.trees import folded
from bankmodel.running import Runner

__all__ = ["neighbours_off"]

_NAMES = ["a", "b", "c"]
_TOKEN = "__missing__"
_STEPS: list[Callable[[], Any]] = [
    StandardScaler,
    MinMaxScaler,
    lambda: MinMaxScaler((-3, 7)),
    MaxAbsScaler,
    RobustScaler,
    PowerTransformer,
    lambda: QuantileTransformer(n_quantiles=20),
    lambda: KBinsDiscretizer(6, encode="ordinal", strategy="uniform"),
    *(lambda f=f: FunctionTransformer(f) for f in (np.arcsinh, np.cbrt, np.arctan, np.tanh, np.negative)),
]
_MODELS: list[Callable[[int], Any]] = [
    lambda seed: ExtraTreesRegressor(n_estimators=4, max_depth=5, random_state=seed),
    lambda seed: RandomForestRegressor(n_estimators=4, max_depth=5, random_state=seed),
    lambda seed: HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=3, random_state=seed),
]


def neighbours_off(seed: int, *, reach: int = 3, dtype: type = np.float32) -> tuple[int, int]:
    """Fold a random pipeline; on each threshold and `reach` floats to each side: how many rows, and how many differ."""
    pipeline, frame = _case(np.random.default_rng(seed), seed)
    columns = columns_of(pipeline, frame, "FP64" if dtype is np.float64 else "FP32")
    model = folded(pipeline, frame, columns, token=_TOKEN, name="random")
    rows = pd.concat(_beside(frame, thresholds_of(model), reach, dtype), ignore_index=True).astype(dtype)
    answered = Runner(model.SerializeToString()).run(as_feeds(rows, columns, _TOKEN))["prediction"][:, 0]
    expected = pipeline.predict(rows).astype(np.float32)
    return len(rows), int((answered != expected).sum())


def _case(random: np.random.Generator, seed: int) -> tuple[Any, pd.DataFrame]:
    scale = 10.0 ** random.integers(-3, 6, len(_NAMES))
    values = random.normal(size=(120, len(_NAMES))) * scale + scale * random.normal(size=len(_NAMES))
    frame = pd.DataFrame(values.round(int(random.integers(0, 6))), columns=_NAMES).astype(np.float32).astype(float)
    steps = [_STEPS[place]() for place in random.integers(len(_STEPS), size=random.integers(1, 4))]
    model = _MODELS[random.integers(len(_MODELS))](seed)
    return make_pipeline(*steps, model).fit(frame, random.normal(size=len(frame))), frame


def _beside(frame: pd.DataFrame, thresholds: dict[str, np.ndarray], reach: int, dtype: type) -> Iterator[pd.DataFrame]:
    """Each column's thresholds and their neighbours, in a row of the data each."""
    yield frame
    for name, values in thresholds.items():
        near: list[np.ndarray] = [values.astype(dtype)]
        for end in (-np.inf, np.inf):
            beside = near[0]
            for _ in range(reach):
                beside = np.nextafter(beside, dtype(end))
                near.append(beside)
        probes = np.concatenate(near)
        rows = frame.iloc[np.arange(len(probes)) % len(frame)].reset_index(drop=True)
        yield rows.assign(**{name: probes})
