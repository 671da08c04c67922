"""Try hard rows on both sides, and keep what came of it: for the card, the report and the golden vectors."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bankmodel.exporting.conversion import Converted
from bankmodel.exporting.hard import accepted_pools, hard_rows, pools_of, scored, thresholds_behind, thresholds_of
from bankmodel.exporting.parity import Comparison, HardParity, comparison, in_batches
from bankmodel.exporting.subject import Subject
from bankmodel.progress import Progress
from bankmodel.running import Runner

__all__ = ["HardTrial", "answered_again", "hard_trial"]

_NONE = np.empty((0, 1))


@dataclass(frozen=True)
class HardTrial:
    """What was found (None: nothing was tried), and the rows behind it: those that the pipeline scored, both sides' scores
    as [rows, classes], and which of the rows hold no extreme number.
    """

    parity: HardParity | None = None
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    expected: np.ndarray = field(default_factory=lambda: _NONE)
    answered: np.ndarray = field(default_factory=lambda: _NONE)
    is_calm: np.ndarray = field(default_factory=lambda: np.empty(0, bool))


def hard_trial(
    subject: Subject,
    converted: Converted,
    runner: Runner,
    *,
    imputing: frozenset[str],
    cutoff: float | None,
    rows: int,
    progress: Progress,
) -> HardTrial:
    """`rows` hard rows, less those that the pipeline refuses, scored by the pipeline and by the file.

    Made of the sample's rows that a pod would score; columns in `imputing` are tried missing as well.
    """
    taken = subject.frame.iloc[subject.taken_rows(imputing)]
    if not rows or not len(taken):
        return HardTrial(HardParity(_compared(subject, _NONE, _NONE, cutoff), rows))
    progress("looking for hard values")
    pools, refused = accepted_pools(
        subject.by_pipeline_if_taken,
        taken.head(1),
        subject.columns,
        pools_of(taken, subject.columns, _thresholds(subject, converted, taken)),
    )
    made = hard_rows(taken, subject.columns, pools, may_miss=imputing, rows=rows)
    kept = scored(
        subject.by_pipeline_if_taken, made.frame, doing="scoring hard rows with the pipeline", progress=progress
    )
    frame = made.frame.iloc[kept.rows].reset_index(drop=True)
    answered = _answered(subject, runner, frame, progress)
    found = _compared(subject, kept.scores, answered, cutoff)
    return HardTrial(
        HardParity(found, rows, rows - len(frame), refused),
        frame,
        kept.scores,
        answered,
        ~made.is_extreme[kept.rows],
    )


def answered_again(
    trial: HardTrial, subject: Subject, runner: Runner, cutoff: float | None, progress: Progress
) -> HardTrial:
    """The same rows, and what the pipeline said to them, with another file's answers."""
    if trial.parity is None:
        return trial
    answered = _answered(subject, runner, trial.frame, progress)
    found = _compared(subject, trial.expected, answered, cutoff)
    return replace(trial, answered=answered, parity=replace(trial.parity, found=found))


def _thresholds(subject: Subject, converted: Converted, taken: pd.DataFrame) -> dict[str, np.ndarray]:
    """Of an exact file the very ones. Of another they are known to a few floats, and it is wrong on values of the sample
    that lie between: the next ones on both sides are taken as well.
    """
    if converted.standard_because is None:
        return thresholds_of(converted.model)
    found = thresholds_behind(subject.scorer.pipeline, converted.model, subject.columns, taken)
    return {name: _with_next_of(values, np.unique(taken[name].dropna())) for name, values in found.items()}


def _with_next_of(thresholds: np.ndarray, met: np.ndarray) -> np.ndarray:
    """The thresholds, and for each the next value below and above it that was met."""
    if not len(met):
        return thresholds
    above = np.searchsorted(met, thresholds)
    beside = [met[np.clip(place, 0, len(met) - 1)] for place in (above - 1, above)]
    found: np.ndarray = np.unique(np.concatenate([thresholds, *beside]).astype(np.float64))
    return found


def _answered(subject: Subject, runner: Runner, frame: pd.DataFrame, progress: Progress) -> np.ndarray:
    if not len(frame):
        return _NONE
    return in_batches(
        lambda rows: subject.by_file(runner, frame.iloc[rows]),
        len(frame),
        doing="scoring hard rows with the ONNX file",
        progress=progress,
    )


def _compared(subject: Subject, expected: np.ndarray, answered: np.ndarray, cutoff: float | None) -> Comparison:
    return comparison(
        expected,
        answered,
        index=subject.scorer.index,
        cutoff=cutoff,
        relative=subject.scorer.class_index is None,
    )
