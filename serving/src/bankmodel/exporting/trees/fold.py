"""Push every node's question back through the steps in front of the trees, to the column it is about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bankmodel.exporting.trees.cuts import Line, Tests, lines_of
from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable
from bankmodel.exporting.trees.oracle import Oracle
from bankmodel.exporting.trees.sources import Source
from bankmodel.exporting.trees.unfold import Ask, Mode, Plan
from bankmodel.exporting.trees.words import Lookup, lookups_of, plan_of
from bankmodel.progress import Progress, silent

__all__ = ["Folded", "plans_of"]


@dataclass(frozen=True)
class Folded:
    """For each node of the ensemble what is asked of the caller's columns instead; and the words that text columns know."""

    plans: list[Plan]
    words: Mapping[int, tuple[str, ...]]


def plans_of(ensemble: Ensemble, oracle: Oracle[Source], progress: Progress = silent) -> Folded:
    """Every node's question, told in the caller's columns."""
    plans: list[Plan] = [Plan((), (True,))] * len(ensemble.feature)
    used = np.unique(ensemble.feature).tolist()
    measured = [feature for feature in used if oracle.sources[feature].keys is None]
    for node, plan in _measured(ensemble, oracle, measured, progress):
        plans[node] = plan
    looked_up = [feature for feature in used if oracle.sources[feature].keys is not None]
    lookups = lookups_of(oracle, looked_up)
    for node, plan in _looked_up(ensemble, oracle, looked_up, lookups):
        plans[node] = plan
    return Folded(plans, {column: lookup.keys for column, lookup in lookups.items() if lookup.is_text})


def _measured(
    ensemble: Ensemble, oracle: Oracle[Source], features: list[int], progress: Progress
) -> Iterator[tuple[int, Plan]]:
    """Features that are monotone: their thresholds are found on the line of the column's floats."""
    if any(int(ensemble.feature[node]) in features for node in ensemble.categories):
        raise NotFoldable("it splits numbers as categories that a step has changed", "encode them in a step before it")
    questions = {feature: _questions(ensemble, feature) for feature in features}
    lines = lines_of(oracle, {feature: tests for feature, (tests, _, _) in questions.items()}, progress)
    for feature, (_, nodes, which) in questions.items():
        told = [_plan(oracle.sources[feature].column, line) for line in lines[feature]]
        yield from ((node, told[number]) for node, number in zip(nodes, which, strict=True))


def _looked_up(
    ensemble: Ensemble, oracle: Oracle[Source], features: list[int], lookups: Mapping[int, Lookup]
) -> Iterator[tuple[int, Plan]]:
    """Features that tell values apart: every value is asked about."""
    columns = {feature: oracle.sources[feature].column for feature in features}
    values = oracle.values({feature: lookups[column].probes(oracle.dtype) for feature, column in columns.items()})
    missing = {column: oracle.missing(column) for column in lookups}
    for feature, column in columns.items():
        blank = missing[column]
        asked = np.append(values[feature], values[feature][0] if blank is None else blank[feature])
        told: dict[tuple[float, bool], Plan] = {}
        for node in np.flatnonzero(ensemble.feature == feature).tolist():
            question = float(ensemble.threshold[node]), bool(ensemble.missing_yes[node])
            if node in ensemble.categories:
                answers = ensemble.categories[node].holds(asked, question[1])
                yield node, plan_of(lookups[column], answers[:-1], bool(answers[-1]))
                continue
            if question not in told:
                answers = np.where(np.isnan(asked), question[1], asked <= question[0])
                told[question] = plan_of(lookups[column], answers[:-1], bool(answers[-1]))
            yield node, told[question]


def _questions(ensemble: Ensemble, feature: int) -> tuple[Tests, list[int], list[int]]:
    """The different tests of a feature; and its nodes, each with the number of its test."""
    nodes = np.flatnonzero(ensemble.feature == feature)
    pairs = np.column_stack([ensemble.threshold[nodes], ensemble.missing_yes[nodes]])
    distinct, which = np.unique(pairs, axis=0, return_inverse=True)
    return Tests(distinct[:, 0], distinct[:, 1].astype(bool)), nodes.tolist(), which.reshape(-1).tolist()


def _plan(column: int, line: Line) -> Plan:
    answers = tuple(line.first == (place % 2 == 0) for place in range(len(line.cuts) + 1))
    if set(answers) == {line.missing}:
        return Plan((), (line.missing,))
    if not line.cuts:  # the same for all numbers, but not for a missing one
        return Plan((Ask(column, Mode.AT_MOST, np.inf),), (line.first, line.missing))
    takes_missing = answers[:-1].index(line.missing) if line.missing in answers[:-1] else -1
    asks = tuple(
        Ask(column, Mode.AT_MOST, cut, missing_true=place == takes_missing) for place, cut in enumerate(line.cuts)
    )
    return Plan(asks, answers)
