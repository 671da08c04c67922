"""The page from top to bottom: the verdict, what it is about, the figures, pictures, rows that differ, inputs, libraries."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bankmodel.exporting.evidence import Evidence
from bankmodel.exporting.parity import Comparison, row_differences
from bankmodel.exporting.report.charts import difference_chart, score_chart
from bankmodel.exporting.report.markup import Markup, element, joined
from bankmodel.exporting.report.style import STYLE
from bankmodel.exporting.report.tables import differing_rows, evidence as evidence_table, facts, left_out, table
from bankmodel.exporting.report.verdict import rounding_moves, verdict_on

__all__ = ["report_of"]

_LEGEND = "stronger is more rows; a ring is a row that is off, for the 300 farthest at most"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def report_of(evidence: Evidence, provenance: Mapping[str, Any], sha256: str | None) -> str:
    """The page; `provenance` is the card's, `sha256` the written file's, None where nothing was written."""
    name = " ".join(str(provenance[key]) for key in ("name", "version") if provenance.get(key))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>'),
        element("title", f"{name}: pipeline and ONNX file compared"),
        element("style", Markup(STYLE)),
    )
    body = element("main", *_sections(evidence, provenance, name, sha256))
    return f"<!DOCTYPE html>\n{element('html', head, element('body', body), lang='en')}\n"


def _sections(evidence: Evidence, provenance: Mapping[str, Any], name: str, sha256: str | None) -> Iterator[Markup]:
    parity = evidence.parity
    verdict = verdict_on(parity, evidence.refusal)
    yield element("h1", name)
    yield element("p", "The fitted pipeline and its ONNX file, compared row by row", class_="soft")
    yield element("div", element("strong", verdict.word), verdict.because, class_=f"verdict {verdict.kind}")
    yield element("h2", "What was compared")
    yield facts(_identity(evidence, provenance, sha256))
    yield element("h2", "Evidence")
    yield evidence_table(parity)
    yield element("p", _hard_rows_are(evidence), class_="soft")
    if parity.hard is not None:
        yield left_out(parity.hard)
    yield element("h2", "Rounding of the inputs")
    yield element("p", _rounding(evidence))
    yield element("h2", "Score against score")
    yield element("div", *_score_figures(evidence), class_="charts")
    yield element("h2", "How large the differences are")
    yield element("div", *_difference_figures(evidence), class_="charts")
    yield from _differing(evidence)
    yield element("h2", "Inputs")
    yield _inputs(evidence)
    yield element("h2", "Libraries")
    yield table("Versions of what took part.", ("library", "version"), provenance["libraries"].items(), numbers=1)
    yield element("footer", "Written by bankmodel export. Holds rows of the sample: keep it as you keep those.")


def _identity(evidence: Evidence, provenance: Mapping[str, Any], sha256: str | None) -> Iterator[tuple[str, Any]]:
    yield "model", provenance["name"]
    yield "version", provenance.get("version") or "none given"
    yield "file", element("span", f"sha256:{sha256}", class_="digest") if sha256 else "none: the export was refused"
    if provenance.get("trainedAt"):
        yield "trained", provenance["trainedAt"]
    yield "pipeline", element("code", provenance["pipeline"])
    digest = element("span", f"sha256:{provenance['sampleSha256']}", class_="digest")
    yield "sample", joined(f"{provenance['rows']:,} rows, ", digest)
    scored = provenance.get("positiveClass")
    yield "score", "the prediction" if scored is None else f"probability of class {scored}"
    converted = evidence.converted
    because = "" if converted.standard_because is None else f", because {converted.standard_because}"
    yield "conversion", f"{converted.way}{because}{'; decides before it rounds' if converted.decides_in_double else ''}"


def _hard_rows_are(evidence: Evidence) -> str:
    if evidence.parity.hard is None:
        return "Hard rows were not tried, since the sample alone was enough to refuse."
    return (
        "Hard rows are rows of the sample with about half of their values replaced: by numbers on the model's thresholds and "
        "the floats beside them (by values of the sample and beside them where no thresholds are known), by nothing where the "
        "model imputes, by words nobody knows, by zero and a thousand times the largest."
    )


def _rounding(evidence: Evidence) -> str:
    if any(column.datatype == "FP64" for column in evidence.subject.columns):
        return "Callers send numbers as FP64: nothing is rounded."
    moved = rounding_moves(evidence.parity)
    if not moved:
        within = evidence.parity.tolerance
        return f"Callers send numbers as FP32. That alone moves no score of the sample by more than {within:g}, and no decision."
    return (
        f"Callers send numbers as FP32. {moved} The file answers as the pipeline does on the rounded numbers. "
        "With --numbers FP64, which exact models can take, nothing is rounded."
    )


def _kinds(evidence: Evidence) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    yield "Sample", evidence.scores["rounded"], evidence.scores["converted"]
    if len(evidence.trial.expected):
        yield "Hard rows", evidence.trial.expected, evidence.trial.answered


def _score_figures(evidence: Evidence) -> Iterator[Markup]:
    parity, index = evidence.parity, evidence.subject.scorer.index
    for kind, expected, answered in _kinds(evidence):
        is_off = row_differences(expected, answered, relative=parity.relative) > parity.tolerance
        chart = score_chart(
            f"{kind}: score against score",
            expected[:, index],
            answered[:, index],
            is_off=is_off,
            cutoff=parity.cutoff,
            reach=_reach(evidence, expected[:, index]),
        )
        yield element("figure", chart, element("figcaption", f"{kind}: {_LEGEND}"))


def _reach(evidence: Evidence, expected: np.ndarray) -> tuple[float, float]:
    """All probabilities; of predictions the middle 99 %, since hard rows go far."""
    finite = expected[np.isfinite(expected)]
    if evidence.subject.scorer.class_index is not None or not len(finite):
        return 0.0, 1.0
    low, high = (float(each) for each in np.quantile(finite, (0.005, 0.995)))
    return (low, high) if low < high else (low - 0.5, low + 0.5)


def _difference_figures(evidence: Evidence) -> Iterator[Markup]:
    parity = evidence.parity
    for kind, expected, answered in _kinds(evidence):
        sizes = row_differences(expected, answered, relative=parity.relative)
        chart = difference_chart(f"{kind}: rows by their difference", sizes, parity.tolerance)
        yield element("figure", chart, element("figcaption", f"{kind}: rows by their difference"))


def _differing(evidence: Evidence) -> Iterator[Markup]:
    parity = evidence.parity
    shown: list[tuple[str, Comparison, pd.DataFrame]] = [("the sample", parity.sample, evidence.subject.frame)]
    if parity.hard is not None:
        shown.append(("the hard rows", parity.hard.found, evidence.trial.frame))
    if not any(found.differences for _, found, _ in shown):
        return
    yield element("h2", "Rows that differ")
    for which, found, frame in shown:
        if found.differences:
            caption = f"Of {which}, counted from 0: flipped decisions first, then the largest differences; at most 20."
            yield differing_rows(caption, found, frame, evidence.subject.columns)


def _inputs(evidence: Evidence) -> Markup:
    frame, imputing = evidence.subject.frame, evidence.imputing
    has_tried = evidence.parity.hard is not None

    def if_missing(name: str) -> str:
        if not has_tried:
            return "not tried"
        return "imputed" if name in imputing else "refused"

    rows = [
        (column.name, column.datatype, if_missing(column.name), f"{int(frame[column.name].isna().sum()):,}")
        for column in evidence.subject.columns
    ]
    return table("What a caller sends.", ("input", "type", "if missing", "missing in the sample"), rows, numbers=1)
