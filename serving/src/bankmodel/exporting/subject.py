"""One model under export: the pipeline, the sample it is judged on, the ONNX file's inputs; scored on either side."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bankmodel.errors import UsageError
from bankmodel.exporting.parity import in_batches
from bankmodel.exporting.schema import Column, NumberType, as_feeds, as_original, columns_of, missing_token_for
from bankmodel.exporting.scoring import Scorer, scorer_of
from bankmodel.progress import Progress
from bankmodel.running import Runner
from bankmodel.samples import Sample

__all__ = ["Subject", "all_scores", "file_scores", "subject_of"]


@dataclass(frozen=True)
class Subject:
    """The pipeline and how it scores, the sample, the columns as callers send them, and what stands for missing text."""

    scorer: Scorer
    sample: Sample
    columns: tuple[Column, ...]
    token: str

    @property
    def frame(self) -> pd.DataFrame:
        """The sample's rows."""
        return self.sample.frame

    def by_pipeline(self, frame: pd.DataFrame, *, as_sent: bool) -> np.ndarray:
        """The pipeline's own scores, [rows, classes]; UsageError where it can't score such rows."""
        try:
            return self.scorer.predict(as_original(self.scorer.pipeline, frame, self.columns, as_sent=as_sent))
        except Exception as error:  # a pipeline is foreign code
            raise UsageError(
                f"the pipeline itself can't score the sample: {type(error).__name__}: {str(error)[:200]}; "
                "is the sample in the form the pipeline was fitted on? (--text COLUMN keeps codes as text)"
            ) from error

    def by_pipeline_if_taken(self, frame: pd.DataFrame) -> np.ndarray | None:
        """The same for rows beyond what was met in fitting: None where the pipeline refuses one of them.

        A word that is none of a column's categories is no word there, as it would be in a file read with these types.
        """
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # it says what it thinks of extreme values and unknown words
            try:
                return self.by_pipeline(self._as_typed(frame), as_sent=True)
            except UsageError:
                return None

    def by_file(self, runner: Runner, frame: pd.DataFrame) -> np.ndarray:
        """The ONNX file's scores, [rows, classes]."""
        answers = runner.run(as_feeds(frame, self.columns, self.token))
        return answers[self.scorer.output].reshape(len(frame), -1)

    def taken_rows(self, imputing: frozenset[str]) -> np.ndarray:
        """The numbers of the sample's rows that a pod would score: those that miss nothing but what is imputed."""
        needed = [column.name for column in self.columns if column.name not in imputing]
        return np.flatnonzero(~self.frame[needed].isna().any(axis=1).to_numpy())

    def _as_typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        types = {column.name: self.frame[column.name].dtype for column in self.columns if column.kind == "text"}
        known = {name: kind.categories for name, kind in types.items() if isinstance(kind, pd.CategoricalDtype)}
        return frame.assign(**{name: frame[name].where(frame[name].isin(each)) for name, each in known.items()}).astype(
            types
        )


def subject_of(pipeline: Any, sample: Sample, positive: str | None, numbers: NumberType) -> Subject:
    """The pipeline on this sample; refused where they don't go together."""
    scorer = scorer_of(pipeline, positive)
    columns = columns_of(pipeline, sample.frame, numbers)
    return Subject(scorer, sample, columns, missing_token_for(sample.frame, columns))


def all_scores(subject: Subject, runner: Runner, progress: Progress) -> dict[str, np.ndarray]:
    """The sample scored three ways, each as [rows, classes]."""

    def by_pipeline(rows: slice, *, as_sent: bool) -> np.ndarray:
        return subject.by_pipeline(subject.frame.iloc[rows], as_sent=as_sent)

    rows = len(subject.frame)
    return {
        "original": in_batches(
            lambda some: by_pipeline(some, as_sent=False), rows, doing="scoring with the pipeline", progress=progress
        ),
        "rounded": in_batches(
            lambda some: by_pipeline(some, as_sent=True), rows, doing="scoring rounded inputs", progress=progress
        ),
        "converted": file_scores(subject, runner, progress),
    }


def file_scores(subject: Subject, runner: Runner, progress: Progress) -> np.ndarray:
    """The sample scored by the ONNX file, [rows, classes]."""
    return in_batches(
        lambda rows: subject.by_file(runner, subject.frame.iloc[rows]),
        len(subject.frame),
        doing="scoring with the ONNX file",
        progress=progress,
    )
