"""Steps that tell a column's values apart: imputers, encoders, bins, weights of evidence. Called by `steps`."""

from typing import Any

import pandas as pd

from bankmodel.exporting.additive.features import Feature, Features, Smooth, Stepped
from bankmodel.exporting.scorecards import marks_of
from bankmodel.exporting.trees.ensemble import NotFoldable

__all__ = ["binary", "binned", "by_process", "encoded", "imputed", "indicated", "of_binned", "one_hot"]


def imputed(step: Any, given: Features) -> Features:
    if step.keep_empty_features or step.strategy == "constant":
        stays = [True] * len(given)
    else:  # columns that were empty when it was fitted are left out
        stays = [not pd.isna(value) for value in step.statistics_]
    shown = () if step.indicator_ is None else indicated(step.indicator_, given)
    filled = zip(given, step.statistics_, stays, strict=True)
    return (*(_filled(step, feature, value) for feature, value, stay in filled if stay), *shown)


def _filled(step: Any, feature: Feature, value: Any) -> Feature:
    if isinstance(feature, Stepped):
        return feature if pd.isna(step.missing_values) else feature.told_apart([step.missing_values])
    if not pd.isna(step.missing_values):
        raise NotFoldable(
            f"a number that stands for a missing one ({step.missing_values}) is no smooth matter",
            "let NaN stand for it",
        )
    if feature.filled is None and len(feature.terms) == 1 and not feature.terms[0][1].operations:
        weight, curve = feature.terms[0]
        return Smooth(curve.column, feature.constant, feature.terms, (float(value) - feature.constant) / weight)
    return feature


def indicated(step: Any, given: Features) -> Features:
    marks = [] if pd.isna(step.missing_values) else [step.missing_values]
    return tuple(_apart(step, given[place], marks) for place in step.features_)


def _apart(step: Any, feature: Feature, values: Any) -> Stepped:
    """A function of whether it is one of these values, or another."""
    present = [value for value in values if not pd.isna(value)]
    if isinstance(feature, Stepped):
        return feature.told_apart(present).changed()
    return feature.stepped(step, present) if present else Stepped(feature.column, is_raw=False)


def one_hot(step: Any, given: Features) -> Features:
    told = [_apart(step, feature, values) for feature, values in zip(given, step.categories_, strict=True)]
    return tuple(feature for feature, count in zip(told, step._n_features_outs, strict=True) for _ in range(count))


def encoded(step: Any, given: Features) -> Features:
    told = [_apart(step, feature, values) for feature, values in zip(given, step.categories_, strict=True)]
    copies = len(step.classes_) if getattr(step, "target_type_", "") == "multiclass" else 1
    return tuple(feature for feature in told for _ in range(copies))


def binned(step: Any, given: Features) -> Features:
    told = [_apart(step, feature, edges) for feature, edges in zip(given, step.bin_edges_, strict=True)]
    counts = [1] * len(told) if step.encode == "ordinal" else step.n_bins_
    return tuple(feature for feature, count in zip(told, counts, strict=True) for _ in range(count))


def binary(step: Any, given: Features) -> Features:
    return tuple(_apart(step, feature, [step.threshold]) for feature in given)


def by_process(step: Any, given: Features) -> Features:
    return _weighed(step, tuple(given[place] for place in step.get_support(indices=True)))


def of_binned(step: Any, given: Features) -> Features:
    return _weighed(step.process, given)


def _weighed(process: Any, given: Features) -> Features:
    """The variables that a BinningProcess of optbinning selected, each constant in its bins."""
    variables = [process.get_binned_variable(name) for name in process.get_support(names=True)]
    if any("PW" in type(variable).__name__ for variable in variables):
        raise NotFoldable("binning with a slope in its bins is not read", "take OptimalBinning")
    return tuple(_in_bins(process, *each) for each in zip(given, variables, strict=True))


def _in_bins(process: Any, feature: Feature, variable: Any) -> Stepped:
    """Special codes hold for all variables: a number is no word, and a word no number."""
    is_text = isinstance(feature, Stepped)
    return _apart(process, feature, [mark for mark in marks_of(variable) if isinstance(mark, str) == is_text])
