"""The picture for the README: one row, 32 connections, gradient boosting; a bar per contender. SVG by hand, no library."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.campaign import LIMIT, Case, Result, Row

__all__ = ["draw"]

_SHOWN = (Case(1, 32), Case(1, 0))
_WIDTH, _LABEL, _BAR, _STEP, _TOP = 760, 200, 420, 30, 46
_OURS, _LIMIT_COLOUR, _OTHERS = "#1a7f5a", "#9aa5b1", "#c7781f"


def draw(results: Sequence[Result]) -> str:
    """The SVG document; without a result for gradient boosting it says so."""
    rows = [row for result in results if result.model == "boosting" for row in result.rows if row.case in _SHOWN]
    rows.sort(key=lambda row: -row.figures.per_s)
    height = _TOP + _STEP * max(1, len(rows)) + 12
    most = max((row.figures.per_s for row in rows), default=1.0)
    title = "Requests a second on one core: gradient boosting, 1 row, JSON, 32 connections" if rows else "not measured"
    body = "".join(_bar(row, at, most) for at, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#ffffff"/><text x="12" y="26" font-size="15">{escape(title)}</text>'
        f"{body}</svg>\n"
    )


def _bar(row: Row, at: int, most: float) -> str:
    y = _TOP + at * _STEP
    length = max(1.0, row.figures.per_s / most * _BAR)
    colour = {LIMIT: _LIMIT_COLOUR, "bankmodel": _OURS}.get(row.contender, _OTHERS)
    return (
        f'<text x="{_LABEL - 8}" y="{y + 16}" text-anchor="end">{escape(row.contender)}</text>'
        f'<rect x="{_LABEL}" y="{y + 2}" width="{length:.1f}" height="20" fill="{colour}"/>'
        f'<text x="{_LABEL + length + 8:.1f}" y="{y + 17}">{row.figures.per_s:,.0f}</text>'
    )
