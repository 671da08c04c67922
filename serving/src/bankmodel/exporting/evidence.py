"""All that is found out about one conversion before anything is written: three comparisons and, where they forbid it, why."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bankmodel.exporting.advice import remedies_for
from bankmodel.exporting.conversion import Converted
from bankmodel.exporting.hard_trial import HardTrial, answered_again, hard_trial
from bankmodel.exporting.missing import columns_that_impute
from bankmodel.exporting.parity import DEFAULT_TOLERANCE, Parity, compare
from bankmodel.exporting.schema import as_feeds, as_original
from bankmodel.exporting.scorecards import is_pointed, other_points
from bankmodel.exporting.subject import Subject, all_scores, file_scores
from bankmodel.progress import Progress
from bankmodel.running import Runner

__all__ = ["Evidence", "Terms", "examined", "gathered"]


@dataclass(frozen=True)
class Terms:
    """What the comparison is held to: where decisions are taken, the tolerance taken knowingly, how many hard rows."""

    cutoff: float | None
    accept: float | None
    hard_rows: int


@dataclass(frozen=True)
class Evidence:
    """The comparisons with the rows behind them. `scores` are the sample's, scored three ways, each [rows, classes];
    `trial` is empty where the sample alone was enough to refuse; `refusal` says why nothing may be written.
    """

    subject: Subject
    converted: Converted
    runner: Runner
    scores: dict[str, np.ndarray]
    parity: Parity
    refusal: str | None = None
    imputing: frozenset[str] = frozenset()
    trial: HardTrial = field(default_factory=HardTrial)


def examined(subject: Subject, converted: Converted, terms: Terms, progress: Progress) -> Evidence:
    """What is found out; and where rounding the score of an exact file flips a decision, of one that decides before it rounds."""
    found = gathered(subject, converted, terms, progress)
    flips = found.parity.flips + (found.parity.hard.found.flips if found.parity.hard else 0)
    if found.refusal or not flips or converted.standard_because is not None or found.parity.cutoff is None:
        return found
    progress("deciding in double")
    return _answered_by(found, converted.deciding(index=subject.scorer.index, cutoff=found.parity.cutoff), progress)


def gathered(subject: Subject, converted: Converted, terms: Terms, progress: Progress) -> Evidence:
    """Score the sample, then missing values in each column, then hard rows, with the pipeline and with the file."""
    runner = Runner(converted.model.SerializeToString())
    scores = all_scores(subject, runner, progress)
    cutoff = None if subject.scorer.class_index is None else terms.cutoff
    parity = _compared(subject, scores, cutoff=cutoff, accepted=terms.accept)
    found = Evidence(subject, converted, runner, scores, parity)
    return _judged(_with_hard_rows(found, terms, progress) if parity.is_met else found)


def _answered_by(found: Evidence, converted: Converted, progress: Progress) -> Evidence:
    """The same rows with another file's answers: the pipeline, which may be slow, has scored them already."""
    subject, runner = found.subject, Runner(converted.model.SerializeToString())
    scores = found.scores | {"converted": file_scores(subject, runner, progress)}
    trial = answered_again(found.trial, subject, runner, found.parity.cutoff, progress)
    parity = _compared(subject, scores, cutoff=found.parity.cutoff, accepted=found.parity.accepted)
    other = replace(found, converted=converted, runner=runner, scores=scores, trial=trial)
    return _judged(replace(other, parity=replace(parity, hard=trial.parity)))


def _compared(
    subject: Subject, scores: dict[str, np.ndarray], *, cutoff: float | None, accepted: float | None
) -> Parity:
    return compare(
        scores,
        index=subject.scorer.index,
        cutoff=cutoff,
        accepted=accepted,
        relative=subject.scorer.class_index is None,
    )


def _with_hard_rows(found: Evidence, terms: Terms, progress: Progress) -> Evidence:
    subject, runner = found.subject, found.runner
    imputing = columns_that_impute(subject, runner, tolerance=terms.accept or DEFAULT_TOLERANCE, progress=progress)
    trial = hard_trial(
        subject,
        found.converted,
        runner,
        imputing=imputing,
        cutoff=found.parity.cutoff,
        rows=terms.hard_rows,
        progress=progress,
    )
    return replace(found, imputing=imputing, trial=trial, parity=replace(found.parity, hard=trial.parity))


def _judged(found: Evidence) -> Evidence:
    """With the reason for which nothing may be written, if there is one."""
    parity = found.parity
    if not parity.is_met:
        refusal: str | None = _sample_refusal(parity, remedies_for(found.subject.scorer.pipeline))
    elif found.converted.standard_because is None and not parity.is_met_by_hard_rows:
        refusal = _hard_refusal(parity)
    else:
        refusal = _points_refusal(found)
    return replace(found, refusal=refusal)


def _points_refusal(found: Evidence) -> str | None:
    """Of a scorecard: its points are compared on the same rows."""
    subject, pipeline = found.subject, found.subject.scorer.pipeline
    if not is_pointed(pipeline):
        return None
    rows = pd.concat([subject.frame, found.trial.frame], ignore_index=True)
    answers = found.runner.run(as_feeds(rows, subject.columns, subject.token))
    return other_points(pipeline, as_original(pipeline, rows, subject.columns, as_sent=True), answers)


def _sample_refusal(parity: Parity, remedies: str) -> str:
    return (
        f"the ONNX file scores {parity.rows_off} of {parity.rows} rows otherwise than the pipeline "
        f"(by up to {parity.worst:.3g}{_also_beyond(parity)}); nothing was written. "
        f"{remedies or 'Replace the step that differs, or do it before the model.'} "
        "Or take the difference knowingly with --accept TOLERANCE, which the card records"
    )


def _hard_refusal(parity: Parity) -> str:
    hard = parity.hard.found if parity.hard else parity.sample
    return (
        f"the file was to be exact, but scores {hard.rows_off} of {hard.rows} hard rows otherwise than the pipeline "
        f"(by up to {hard.worst:.3g}{_also_beyond(parity)}), though none of the sample; nothing was written. "
        "This is a mistake in bankmodel: please report it with the steps and the model. "
        "Or take the difference knowingly with --accept TOLERANCE, which the card records"
    )


def _also_beyond(parity: Parity) -> str:
    return "" if parity.accepted is None else f", also beyond the accepted {parity.accepted:g}"
