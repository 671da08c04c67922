"""`export`: convert, compare, describe, write. Called by `bankmodel export` and from notebooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bankmodel import onnx_file, provenance
from bankmodel.baseline import PROBABILITY_EDGES, count_numbers, count_words, quantile_edges
from bankmodel.errors import ParityError, UsageError
from bankmodel.exporting.advice import remedies_for
from bankmodel.exporting.conversion import convert
from bankmodel.exporting.missing import columns_that_impute
from bankmodel.exporting.parity import DEFAULT_TOLERANCE, Parity, compare, in_batches
from bankmodel.exporting.schema import Column, NumberType, as_feeds, as_original, columns_of, missing_token_for
from bankmodel.exporting.scoring import Scorer, scorer_of
from bankmodel.exporting.steps import fitted_as_text, fitted_steps
from bankmodel.golden import golden_vectors, spread_over
from bankmodel.progress import Progress, silent
from bankmodel.running import Runner
from bankmodel.samples import Sample, read_sample
from bankmodel_serving.card import Card, Feature, Golden, Score

__all__ = ["Exported", "export"]


@dataclass(frozen=True)
class Exported:
    """What was written, its digest, and how it compared with the pipeline."""

    path: Path
    sha256: str
    card: Card
    parity: Parity


@dataclass(frozen=True)
class _Subject:
    """One model under export: the pipeline, the sample it is judged on and the ONNX file's inputs."""

    scorer: Scorer
    sample: Sample
    columns: tuple[Column, ...]
    token: str

    @property
    def frame(self) -> pd.DataFrame:
        return self.sample.frame


def export(
    pipeline: Any,
    sample: pd.DataFrame | str | Path,
    output: str | Path,
    *,
    name: str | None = None,
    version: str | None = None,
    positive: str | None = None,
    cutoff: float | None = 0.5,
    accept: float | None = None,
    text: Sequence[str] = (),
    numbers: NumberType = "FP32",
    trained_at: datetime | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write `pipeline` as an ONNX file with its card inside, if it scores the whole `sample` as the pipeline does.

    `accept` takes a larger difference in score and records it in the card; without it one beyond 1e-5 (of a regressor's
    score above 1: beyond that share of it) raises ParityError.
    `positive` names the class whose probability is the score (default: the second of two), `cutoff` where it decides.
    `text` lists columns to read as text though they look like numbers (those the pipeline encodes as text are found);
    `numbers` is the type callers send; FP64 needs a model with an exact form. `trained_at` makes the digest repeatable.
    """
    if accept is not None and not accept > 0:
        raise UsageError(f"the accepted tolerance is {accept}; give a positive difference in score, for example 0.01")
    progress("reading the sample")
    subject = _subject(pipeline, read_sample(sample, text=(*text, *fitted_as_text(pipeline))), positive, numbers)
    path = Path(output)
    progress("converting to ONNX")
    converted = convert(pipeline, subject.frame, subject.columns, token=subject.token, name=name or path.stem)
    runner = Runner(converted.model.SerializeToString())
    scores = _all_scores(subject, runner, progress)
    is_classifier = subject.scorer.class_index is not None
    parity = compare(
        scores,
        index=subject.scorer.index,
        cutoff=cutoff if is_classifier else None,
        accepted=accept,
        relative=not is_classifier,
    )
    if not parity.is_met:
        raise ParityError(_refusal(parity, remedies_for(pipeline)), parity)
    card = _card(
        subject,
        runner,
        scores["converted"],
        parity=parity,
        conversion=converted.as_card(),
        identity={"name": name or path.stem, "version": version, "trainedAt": provenance.timestamp(trained_at)},
        progress=progress,
    )
    return Exported(path, onnx_file.save(converted.model, card, path), card, parity)


def _subject(pipeline: Any, sample: Sample, positive: str | None, numbers: NumberType) -> _Subject:
    scorer = scorer_of(pipeline, positive)
    columns = columns_of(pipeline, sample.frame, numbers)
    return _Subject(scorer, sample, columns, missing_token_for(sample.frame, columns))


def _all_scores(subject: _Subject, runner: Runner, progress: Progress) -> dict[str, np.ndarray]:
    """The sample scored three ways, each as [rows, classes]."""

    def by_pipeline(rows: slice, *, as_sent: bool) -> np.ndarray:
        given = as_original(subject.scorer.pipeline, subject.frame.iloc[rows], subject.columns, as_sent=as_sent)
        return _predict(subject.scorer, given)

    def by_file(rows: slice) -> np.ndarray:
        answers = runner.run(as_feeds(subject.frame.iloc[rows], subject.columns, subject.token))
        return answers[subject.scorer.output].reshape(rows.stop - rows.start, -1)

    rows = len(subject.frame)
    return {
        "original": in_batches(
            lambda some: by_pipeline(some, as_sent=False), rows, doing="scoring with the pipeline", progress=progress
        ),
        "rounded": in_batches(
            lambda some: by_pipeline(some, as_sent=True), rows, doing="scoring rounded inputs", progress=progress
        ),
        "converted": in_batches(by_file, rows, doing="scoring with the ONNX file", progress=progress),
    }


def _predict(scorer: Scorer, rows: Any) -> np.ndarray:
    try:
        return scorer.predict(rows)
    except Exception as error:  # a pipeline is foreign code
        raise UsageError(
            f"the pipeline itself can't score the sample: {type(error).__name__}: {str(error)[:200]}; "
            "is the sample in the form the pipeline was fitted on? (--text COLUMN keeps codes as text)"
        ) from error


def _refusal(parity: Parity, remedies: str) -> str:
    taken = "" if parity.accepted is None else f", also beyond the accepted {parity.accepted:g}"
    return (
        f"the ONNX file scores {parity.rows_off} of {parity.rows} rows otherwise than the pipeline "
        f"(by up to {parity.worst:.3g}{taken}); nothing was written. "
        f"{remedies or 'Replace the step that differs, or do it before the model.'} "
        "Or take the difference knowingly with --accept TOLERANCE, which the card records"
    )


def _card(
    subject: _Subject,
    runner: Runner,
    converted: np.ndarray,
    *,
    parity: Parity,
    conversion: dict[str, str],
    identity: dict[str, str | None],
    progress: Progress,
) -> Card:
    imputing = columns_that_impute(
        subject.scorer,
        runner,
        subject.frame,
        columns=subject.columns,
        token=subject.token,
        tolerance=parity.accepted or DEFAULT_TOLERANCE,
        progress=progress,
    )
    feeds = as_feeds(subject.frame, subject.columns, subject.token)
    scores = converted[:, subject.scorer.index]
    return Card(
        features=tuple(_feature(subject, column, feeds[column.name], imputing) for column in subject.columns),
        score=_score(subject.scorer, scores, parity.cutoff),
        golden=_golden(subject, runner, scores, imputing),
        provenance=_provenance(subject, identity),
        parity=parity.as_card()
        | {"inputTypes": {column.name: column.datatype for column in subject.columns}, "conversion": conversion},
    )


def _feature(subject: _Subject, column: Column, values: np.ndarray, imputing: frozenset[str]) -> Feature:
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


def _golden(subject: _Subject, runner: Runner, scores: np.ndarray, imputing: frozenset[str]) -> Golden | None:
    """Rows spread over the scores, and one with each imputing column missing; rows that would be refused are left out."""
    complete = ~subject.frame[[c.name for c in subject.columns if c.name not in imputing]].isna().any(axis=1).to_numpy()
    usable = np.flatnonzero(complete)
    if not len(usable):
        return None
    feeds = {name: array[usable] for name, array in as_feeds(subject.frame, subject.columns, subject.token).items()}
    blanks = {c.name: subject.token if c.kind == "text" else np.nan for c in subject.columns if c.name in imputing}
    return golden_vectors(runner, feeds, subject.scorer.output, rows=spread_over(scores[usable]), blanks=blanks)


def _provenance(subject: _Subject, identity: dict[str, str | None]) -> dict[str, Any]:
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
