"""The report's tables. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from bankmodel.exporting.parity import Comparison, Difference, HardParity, Parity
from bankmodel.exporting.report.markup import Markup, element, joined
from bankmodel.exporting.schema import Column

__all__ = ["differing_rows", "evidence", "facts", "left_out", "table"]


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """Names and values, a line each."""
    lines = [element("tr", element("th", name, scope="row"), element("td", value)) for name, value in rows]
    return _scrolled(element("table", element("tbody", *lines)))


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]], numbers: int = 0) -> Markup:
    """A table whose last `numbers` columns hold numbers."""
    first = len(headings) - numbers

    def cell(kind: str, place: int, value: object) -> Markup:
        scope = "col" if kind == "th" else None
        return element(kind, value, class_="number" if place >= first else None, scope=scope)

    head = element("tr", *(cell("th", place, heading) for place, heading in enumerate(headings)))
    body = [element("tr", *(cell("td", place, value) for place, value in enumerate(row))) for row in rows]
    return _scrolled(element("table", element("caption", caption), element("thead", head), element("tbody", *body)))


def evidence(parity: Parity) -> Markup:
    """Rows, those off, the largest difference and flips: of the sample, the hard rows, and of rounding alone."""
    rounding = parity.rounding
    rows = [("sample: pipeline and file", *_figures(parity.sample))]
    if parity.hard is not None:
        rows.append(("hard rows: pipeline and file", *_figures(parity.hard.found)))
    alone = f"{parity.rows:,}", f"{rounding.rows_off:,}", f"{rounding.worst:.2g}", f"{rounding.flips:,}"
    rows.append(("sample: pipeline alone, before and after rounding its numbers as they are sent", *alone))
    share = ", as a share of the prediction beyond 1" if parity.relative else ""
    cutoff = "no decisions are taken" if parity.cutoff is None else f"decisions are taken at {parity.cutoff:g}"
    caption = f"Off is a row whose scores differ by more than {parity.tolerance:g}{share}; {cutoff}."
    return table(caption, ("compared", "rows", "off", "largest difference", "flipped decisions"), rows, numbers=4)


def left_out(hard: HardParity) -> Markup:
    """What the pipeline refuses, and so was not tried."""
    lines = [f"{name}: {which}" for name, which in hard.refused.items()]
    if hard.rows_refused:
        lines.append(f"{hard.rows_refused:,} of {hard.asked:,} rows")
    if not lines:
        return Markup()
    return joined(
        element("p", "Left out of the hard rows, for the pipeline itself refuses them:"),
        element("ul", *(element("li", line) for line in lines)),
    )


def differing_rows(caption: str, found: Comparison, frame: pd.DataFrame, columns: Sequence[Column]) -> Markup:
    """The rows that differ most, flips first, each with what was put in."""
    headings = ("input", "row", "pipeline", "ONNX file", "difference", "decision")
    rows = [(_inputs(frame.iloc[each.row], columns), *_cells(each)) for each in found.differences]
    return table(caption, headings, rows, numbers=5)


def _figures(found: Comparison) -> tuple[str, ...]:
    return f"{found.rows:,}", f"{found.rows_off:,}", f"{found.worst:.2g}", f"{found.flips:,}"


def _cells(each: Difference) -> Iterator[str]:
    yield f"{each.row:,}"
    yield f"{each.original:.6f}"
    yield f"{each.converted:.6f}"
    yield f"{each.converted - each.original:+.2g}"
    yield "flips" if each.is_flip else "same"


def _inputs(row: pd.Series, columns: Sequence[Column]) -> Markup:
    told = [joined(element("b", column.name), " ", _plain(row[column.name], column)) for column in columns]
    return element("span", told[0], *(joined("; ", each) for each in told[1:]), class_="inputs")


def _plain(value: Any, column: Column) -> str:
    """As a caller would send it."""
    if value is None or pd.isna(value):
        return "missing"
    return repr(str(value)) if column.kind == "text" else str(column.dtype.type(value))


def _scrolled(inner: Markup) -> Markup:
    return element("div", inner, class_="wide")
