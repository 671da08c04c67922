"""The four reference models, trained and exported with their cards once, and kept in the cache by what they are made of."""

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import rows
from cluster.paths import CHECKOUT, cache_folder

__all__ = ["MODELS", "ReferenceModel", "all_rows", "ensure"]

_TRAINED_ON = 8_000
_SEED = 7
_OPSET = {"": 17, "ai.onnx.ml": 3}
_MADE_BY = ("bankmodel", "numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")


@dataclass(frozen=True)
class ReferenceModel:
    """One model file in the cache and the digest it has."""

    name: str
    path: Path
    sha256: str

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return MODELS[self.name].title


@dataclass(frozen=True)
class _Recipe:
    """How a model is made. `make` writes the ONNX file with its card."""

    title: str
    make: Callable[[Path], None]


def ensure(name: str) -> ReferenceModel:
    """The model NAME, made now if the cache lacks it."""
    path = cache_folder() / "bench" / f"models-{_fingerprint()}" / f"{name}.onnx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            half = Path(folder) / path.name
            MODELS[name].make(half)
            os.replace(half, path)
    return ReferenceModel(name, path, hashlib.sha256(path.read_bytes()).hexdigest())


def all_rows(name: str) -> dict[str, np.ndarray]:
    """The 512 rows that are scored, as feeds of model NAME."""
    return rows.feeds_of(rows.applicants(rows.ROTATION) if name == "scorecard" else rows.matrix(rows.ROTATION))


def _fingerprint() -> str:
    made_of = "".join(f"{name} {version(name)}\n" for name in _MADE_BY)
    exporting = sorted((CHECKOUT / "serving" / "src" / "bankmodel" / "exporting").glob("*.py"))
    sources = b"".join(file.read_bytes() for file in (Path(__file__), Path(str(rows.__file__)), *exporting))
    return hashlib.sha256(made_of.encode() + sources).hexdigest()[:12]


def _boosting(path: Path) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    _matrix_model(
        HistGradientBoostingClassifier(max_iter=200, max_leaf_nodes=31, early_stopping=False, random_state=_SEED), path
    )


def _forest(path: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier

    _matrix_model(RandomForestClassifier(n_estimators=100, max_depth=10, random_state=_SEED), path)


def _mlp(path: Path) -> None:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier((64, 32), early_stopping=True, max_iter=50, random_state=_SEED)
    _matrix_model(make_pipeline(StandardScaler(), network), path)


def _matrix_model(estimator: Any, path: Path) -> None:
    """Fit, convert to one FP32 matrix input `X`, add a card from the training rows."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    from bankmodel.cards import add_card

    learned = rows.matrix(_TRAINED_ON, _SEED)
    estimator.fit(learned, _decisions(learned / 10.0 ** (np.arange(rows.WIDTH) % 4)))
    types = [("X", FloatTensorType([None, rows.WIDTH]))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # converters warn about their own deprecated calls
        model = to_onnx(estimator, initial_types=types, options={"zipmap": False}, target_opset=_OPSET)
    path.write_bytes(model.SerializeToString())
    add_card(path, pd.DataFrame(learned), class_index=1, cutoff=0.5)


def _scorecard(path: Path) -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from bankmodel.exporting.export import export

    learned = rows.applicants(_TRAINED_ON, _SEED)
    numbers = [name for name in learned.columns if learned[name].dtype != object]
    words = [name for name in learned.columns if learned[name].dtype == object]
    one_hot = make_pipeline(
        SimpleImputer(strategy="constant", missing_values=None, fill_value="unknown"),
        OneHotEncoder(handle_unknown="ignore"),
    )
    columns = ColumnTransformer(
        [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers), ("words", one_hot, words)]
    )
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=500))
    pipeline.fit(learned, _decisions(np.nan_to_num(learned[numbers].to_numpy(float)) / 20.0))
    export(pipeline, learned, path, name="scorecard")


def _decisions(numbers: np.ndarray) -> np.ndarray:
    """Approved or not: a rule of some columns with interactions, and noise, so that the trees grow as deep as real ones."""
    random = np.random.default_rng(_SEED)
    weights = random.normal(size=numbers.shape[1])
    score = numbers @ weights + 2 * numbers[:, 0] * numbers[:, 1] + random.normal(size=len(numbers)) * 2
    decisions: np.ndarray = (score > np.median(score)).astype(np.int64)
    return decisions


MODELS = {
    "boosting": _Recipe("gradient boosting: 200 trees x 31 leaves, 30 features", _boosting),
    "scorecard": _Recipe("logistic scorecard: 20 named columns, words and missing values", _scorecard),
    "forest": _Recipe("random forest: 100 trees, depth 10, 30 features", _forest),
    "mlp": _Recipe("neural network: 64 and 32 units, 30 features", _mlp),
}
