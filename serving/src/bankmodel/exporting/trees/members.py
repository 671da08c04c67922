"""From a pipeline to its trees, and to the steps in front of them: one way, or one for each member of a calibrated classifier."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV

from bankmodel.exporting.trees.calibration import Calibration, Lines, Sigmoids, Temperatures
from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable, joined
from bankmodel.exporting.trees.reading import read_ensemble
from bankmodel.exporting.trees.ways import Branch, way_to

__all__ = ["Read", "calibrators_of", "read_pipeline"]

_STRATIFY = "let cv be a number, which deals the classes out evenly"


@dataclass(frozen=True)
class Read:
    """All trees; their features are those of all branches, side by side."""

    ensemble: Ensemble
    branches: tuple[Branch, ...]


def read_pipeline(pipeline: Any) -> Read:
    """The pipeline's trees and the ways to them; NotFoldable where nobody can read them."""
    steps, model = way_to(pipeline)
    if isinstance(model, CalibratedClassifierCV):
        return _calibrated(steps, model)
    ensemble = read_ensemble(model)
    return Read(ensemble, (Branch(steps, ensemble.dtype),))


def _calibrated(steps: tuple[Any, ...], model: CalibratedClassifierCV) -> Read:
    ways = [way_to(each.estimator) for each in model.calibrated_classifiers_]
    read = [read_ensemble(inner) for _, inner in ways]
    scoring = read[0].scoring
    if any(each.scoring != scoring for each in read) or list(scoring.classes) != list(model.classes_):
        raise NotFoldable(
            "the members of the calibrated classifier differ in kind, or in the classes they know", _STRATIFY
        )
    branches: dict[tuple[int, ...], tuple[int, Branch]] = {}
    placed, features = [], 0
    for number, ((own, inner), each) in enumerate(zip(ways, read, strict=True)):
        way = (*steps, *own)
        key = tuple(map(id, way))
        if key not in branches:
            branches[key] = features, Branch(way, each.dtype)
            features += inner.n_features_in_
        start = branches[key][0]
        placed.append(replace(each, feature=each.feature + start, target=each.target + number * scoring.targets))
    # As scikit-learn does: what decision_function gives is calibrated, and a probability only where there is none
    calibration = Calibration(len(read), hasattr(ways[0][1], "decision_function"), calibrators_of(model))
    ensemble = joined(placed, replace(scoring, ties_to_last=False), np.zeros(0))
    return Read(replace(ensemble, calibration=calibration), tuple(branch for _, branch in branches.values()))


def calibrators_of(model: CalibratedClassifierCV) -> Sigmoids | Lines | Temperatures:
    """What each member's scores are mapped by."""
    fitted = list(_fitted(model))
    match model.method:
        case "sigmoid":
            return Sigmoids(np.array([each.a_ for each in fitted]), np.array([each.b_ for each in fitted]))
        case "isotonic":
            return Lines(tuple((each.X_thresholds_, each.y_thresholds_) for each in fitted))
        case "temperature":
            return Temperatures(np.array([each.beta_ for each in fitted], np.float64))
    raise NotFoldable(f"calibration by {model.method!r} is not read")


def _fitted(model: CalibratedClassifierCV) -> Iterator[Any]:
    for each in model.calibrated_classifiers_:
        yield from each.calibrators
