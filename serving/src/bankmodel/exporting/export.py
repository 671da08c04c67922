"""`export`: convert, compare, describe, write. Called by `bankmodel export` and from notebooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bankmodel import onnx_file, provenance
from bankmodel.errors import ParityError, UsageError
from bankmodel.exporting.conversion import convert
from bankmodel.exporting.describing import Identity, card_of, provenance_of
from bankmodel.exporting.evidence import Evidence, Terms, examined
from bankmodel.exporting.parity import Parity
from bankmodel.exporting.report import report_of, write_report
from bankmodel.exporting.schema import NumberType
from bankmodel.exporting.scorecards import as_pipeline
from bankmodel.exporting.steps import fitted_as_text
from bankmodel.exporting.subject import subject_of
from bankmodel.progress import Progress, silent
from bankmodel.samples import read_sample
from bankmodel_serving.card import Card

__all__ = ["HARD_ROWS", "Exported", "export"]

HARD_ROWS = 100_000


@dataclass(frozen=True)
class Exported:
    """What was written, its digest, and how it compared with the pipeline."""

    path: Path
    sha256: str
    card: Card
    parity: Parity


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
    hard_rows: int = HARD_ROWS,
    report: str | Path | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write `pipeline` as an ONNX file with its card inside, if it scores the whole `sample` as the pipeline does.

    `accept` takes a larger difference in score and records it in the card; without it one beyond 1e-5 (of a regressor's
    score above 1: beyond that share of it) raises ParityError.
    `positive` names the class whose probability is the score (default: the second of two), `cutoff` where it decides.
    `text` lists columns to read as text though they look like numbers (those the pipeline encodes as text are found);
    `numbers` is the type callers send; FP64 needs a model with an exact form. `trained_at` makes the digest repeatable.
    `hard_rows` is how many rows are made to hurt the model, on thresholds, missing, unknown, extreme: an exact file has
    to score these alike, too; of another the card says how many it does not. `report` is where the evidence is written as
    a page of HTML, when the export is refused for it as well; it holds rows of the sample.
    """
    _refuse_odd(accept, hard_rows)
    pipeline = as_pipeline(pipeline)
    progress("reading the sample")
    read = read_sample(sample, text=(*text, *fitted_as_text(pipeline)))
    subject = subject_of(pipeline, read, positive, numbers)
    path = Path(output)
    progress("converting to ONNX")
    called = name or path.stem
    converted = convert(pipeline, subject.frame, subject.columns, token=subject.token, name=called, progress=progress)
    evidence = examined(subject, converted, Terms(cutoff, accept, hard_rows), progress)
    identity = {"name": called, "version": version, "trainedAt": provenance.timestamp(trained_at)}
    if evidence.refusal is not None:
        _report(report, evidence, identity, None)
        raise ParityError(evidence.refusal, evidence.parity)
    progress("writing the file")
    card = card_of(evidence, identity)
    sha256 = onnx_file.save(evidence.converted.model, card, path)
    _report(report, evidence, identity, sha256)
    return Exported(path, sha256, card, evidence.parity)


def _report(path: str | Path | None, evidence: Evidence, identity: Identity, sha256: str | None) -> None:
    if path is not None:
        write_report(Path(path), report_of(evidence, provenance_of(evidence.subject, identity), sha256))


def _refuse_odd(accept: float | None, hard_rows: int) -> None:
    if accept is not None and not accept > 0:
        raise UsageError(f"the accepted tolerance is {accept}; give a positive difference in score, for example 0.01")
    if hard_rows < 0:
        raise UsageError(f"{hard_rows} hard rows can't be made; give a number of them, for example {HARD_ROWS}")
