"""The card of an exported model: what it takes, what it answers, known answers, where it came from and how it was judged."""

from typing import Any

import numpy as np
import pandas as pd

from bankmodel import provenance
from bankmodel.baseline import PROBABILITY_EDGES, count_numbers, count_words, quantile_edges
from bankmodel.exporting.evidence import Evidence
from bankmodel.exporting.parity import DEFAULT_TOLERANCE
from bankmodel.exporting.schema import Column, as_feeds
from bankmodel.exporting.scoring import Scorer
from bankmodel.exporting.steps import fitted_steps
from bankmodel.exporting.subject import Subject
from bankmodel.golden import golden_vectors, spread_over
from bankmodel_serving.card import Card, Feature, Golden, Score

__all__ = ["Identity", "card_of", "parity_of", "provenance_of"]

Identity = dict[str, str | None]

_GOLDEN_OF_SAMPLE = 12
_GOLDEN_HARD = 24


def card_of(evidence: Evidence, identity: Identity) -> Card:
    """The card of a conversion that was judged good."""
    subject, imputing = evidence.subject, evidence.imputing
    feeds = as_feeds(subject.frame, subject.columns, subject.token)
    scores = evidence.scores["converted"][:, subject.scorer.index]
    return Card(
        features=tuple(_feature(subject, column, feeds[column.name], imputing) for column in subject.columns),
        score=_score(subject.scorer, scores, evidence.parity.cutoff),
        golden=_golden(evidence, scores),
        provenance=provenance_of(subject, identity),
        parity=parity_of(evidence),
    )


def parity_of(evidence: Evidence) -> dict[str, Any]:
    """The card's `parity`: the figures, the types they were found for, and the way of the conversion."""
    types = {column.name: column.datatype for column in evidence.subject.columns}
    return evidence.parity.as_card() | {"inputTypes": types, "conversion": evidence.converted.as_card()}


def _feature(subject: Subject, column: Column, values: np.ndarray, imputing: frozenset[str]) -> Feature:
    flat = values.reshape(-1)
    is_text = column.kind == "text"
    return Feature(
        name=column.name,
        datatype=column.datatype,
        on_missing="Impute" if column.name in imputing else "Reject",
        missing_token=subject.token if is_text and column.name in imputing else None,
        baseline=count_words(flat, subject.token) if is_text else count_numbers(flat, quantile_edges(flat)),
    )


def _score(scorer: Scorer, scores: np.ndarray, cutoff: float | None) -> Score:
    edges = PROBABILITY_EDGES if scorer.class_index is not None else quantile_edges(scores, bins=20)
    return Score(
        output=scorer.output,
        class_index=scorer.class_index,
        edges=edges,
        cutoff=cutoff,
        baseline=count_numbers(scores, edges),
    )


def _golden(evidence: Evidence, scores: np.ndarray) -> Golden | None:
    """Rows of the sample and hard rows, both spread over the scores, and one with each imputing column missing.

    Left out are rows that a pod would refuse, and hard ones that prove nothing of this file: on which it differs from the
    pipeline, or with an extreme number, where another processor's rounding may count.
    """
    subject, imputing = evidence.subject, evidence.imputing
    usable = subject.taken_rows(imputing)
    if not len(usable):
        return None
    names = [column.name for column in subject.columns]
    chosen = subject.frame.iloc[usable[spread_over(scores[usable], _GOLDEN_OF_SAMPLE)]][names]
    rows = pd.concat([chosen.astype(object), _golden_hard_rows(evidence)[names].astype(object)])
    blanks = {c.name: subject.token if c.kind == "text" else np.nan for c in subject.columns if c.name in imputing}
    feeds = as_feeds(rows, subject.columns, subject.token)
    return golden_vectors(evidence.runner, feeds, subject.scorer.output, rows=range(len(rows)), blanks=blanks)


def _golden_hard_rows(evidence: Evidence) -> pd.DataFrame:
    trial = evidence.trial
    differs = ~np.isclose(trial.expected, trial.answered, rtol=DEFAULT_TOLERANCE, atol=DEFAULT_TOLERANCE).all(axis=1)
    usable = np.flatnonzero(trial.is_calm & ~differs)
    if not len(usable):
        return evidence.subject.frame.head(0)
    scores = trial.answered[usable, evidence.subject.scorer.index]
    return trial.frame.iloc[usable[spread_over(scores, _GOLDEN_HARD)]]


def provenance_of(subject: Subject, identity: Identity) -> dict[str, Any]:
    """The card's `provenance`: the model's identity, the sample, the pipeline and the libraries that took part."""
    steps = list(fitted_steps(subject.scorer.pipeline))
    families = sorted({type(step).__module__.split(".")[0] for step in steps})
    scored = subject.scorer.classes[subject.scorer.index] if subject.scorer.classes else None
    return identity | {
        "rows": len(subject.frame),
        "sampleSha256": subject.sample.sha256,
        "pipeline": provenance.shortened(subject.scorer.pipeline),
        "classes": [str(item) for item in subject.scorer.classes],
        "positiveClass": None if scored is None else str(scored),
        "libraries": provenance.libraries(families),
    }
