"""Push every node's question back through the steps in front of the trees, to the column it is about."""

import numpy as np

from bankmodel.exporting.trees.cuts import Line, Tests, lines_of
from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable
from bankmodel.exporting.trees.oracle import Oracle
from bankmodel.exporting.trees.unfold import Ask, Mode, Plan

__all__ = ["plans_of"]


def plans_of(ensemble: Ensemble, oracle: Oracle) -> list[Plan]:
    """For each node of the ensemble what is asked of the caller's columns instead."""
    plans: list[Plan] = [Plan((), (True,))] * len(ensemble.feature)
    asked, nodes = _questions(ensemble)
    for feature in asked:
        if oracle.columns[oracle.sources[feature].column].kind == "text":
            raise NotFoldable("text goes into the trees as it is")
    for feature, lines in lines_of(oracle, asked).items():
        told = [_plan(oracle.sources[feature].column, line) for line in lines]
        for node, which in zip(*nodes[feature], strict=True):
            plans[node] = told[which]
    return plans


def _questions(ensemble: Ensemble) -> tuple[dict[int, Tests], dict[int, tuple[list[int], list[int]]]]:
    """The different tests of each feature; and its nodes, each with the number of its test."""
    asked, nodes = {}, {}
    for feature in np.unique(ensemble.feature).tolist():
        here = np.flatnonzero(ensemble.feature == feature)
        pairs = np.column_stack([ensemble.threshold[here], ensemble.missing_yes[here]])
        distinct, which = np.unique(pairs, axis=0, return_inverse=True)
        asked[feature] = Tests(distinct[:, 0], distinct[:, 1].astype(bool))
        nodes[feature] = here.tolist(), which.reshape(-1).tolist()
    return asked, nodes


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
