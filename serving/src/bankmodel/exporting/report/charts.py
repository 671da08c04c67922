"""The report's two pictures as inline SVG: score against score, and how large the differences are. Pure."""

from collections.abc import Iterator

import numpy as np

from bankmodel.exporting.report.markup import Markup, element, joined

__all__ = ["difference_chart", "score_chart"]

_WIDTH, _HEIGHT = 420, 376
_LEFT, _TOP, _SIZE = 72, 16, 320
_CELLS = 64
_MOST_CIRCLES = 300
_DECADES = tuple(range(-9, 1))


def score_chart(
    name: str,
    expected: np.ndarray,
    answered: np.ndarray,
    *,
    is_off: np.ndarray,
    cutoff: float | None,
    reach: tuple[float, float],
) -> Markup:
    """The pipeline's scores to the right, the file's upwards: squares stronger where more rows are, a ring for a row
    that is off (the farthest ones, where they are many). Scores outside `reach` are drawn on its edge.
    """
    low, high = reach
    across, up = (_placed(values, low, high) for values in (expected, answered))
    ends = (f"{low:.3g}", f"{high:.3g}")
    said = (
        f"{len(expected):,} rows by the pipeline's score (across) and the ONNX file's (upwards), from {ends[0]} to "
        f"{ends[1]}. Rows on the diagonal are scored alike; {int(is_off.sum()):,} are off; the farthest {_MOST_CIRCLES} at most are ringed."
    )
    return _picture(
        name,
        said,
        _frame(ends),
        element("line", x1=_LEFT, y1=_TOP + _SIZE, x2=_LEFT + _SIZE, y2=_TOP, class_="guide"),
        *_cells(across, up),
        *([] if cutoff is None else _cutoff_lines(float(_placed(np.array([cutoff]), low, high)[0]))),
        *_rings(across[is_off], up[is_off]),
    )


def difference_chart(name: str, sizes: np.ndarray, tolerance: float) -> Markup:
    """How many rows differ by how much, in steps of ten; heights are logarithmic, numbers are written above."""
    labels, counts, is_beyond = _binned(sizes, tolerance)
    step, most = _SIZE / len(labels), np.log10(1 + max(*counts, 1))
    bars = [
        joined(
            _bar(_LEFT + place * step, step, np.log10(1 + count) / most, "beyond" if beyond else "bar"),
            _text(_short(count), _LEFT + (place + 0.5) * step, _top_of(np.log10(1 + count) / most) - 4),
            _text(label, _LEFT + (place + 0.5) * step, _TOP + _SIZE + 14),
        )
        for place, (label, count, beyond) in enumerate(zip(labels, counts, is_beyond, strict=True))
    ]
    told = ", ".join(f"{label}: {count:,}" for label, count in zip(labels, counts, strict=True) if count)
    said = f"Rows by the size of their difference, each step up to the number below it. {told}. Beyond {tolerance:g} counts as off."
    axis = element("line", x1=_LEFT, y1=_TOP + _SIZE, x2=_LEFT + _SIZE, y2=_TOP + _SIZE, class_="axis")
    below = _text("difference of the two scores, at most", _LEFT + _SIZE / 2, _TOP + _SIZE + 34)
    return _picture(name, said, axis, *bars, below)


def _picture(name: str, said: str, *drawn: Markup) -> Markup:
    marks = {"role": "img", "aria_label": f"{name}. {said}", "viewBox": f"0 0 {_WIDTH} {_HEIGHT}"}
    return element("svg", element("title", name), element("desc", said), *drawn, **marks)


def _frame(ends: tuple[str, str]) -> Markup:
    bottom, right = _TOP + _SIZE, _LEFT + _SIZE
    return joined(
        element("rect", x=_LEFT, y=_TOP, width=_SIZE, height=_SIZE, class_="axis", fill="none"),
        _text(ends[0], _LEFT, bottom + 14, "start"),
        _text(ends[1], right, bottom + 14, "end"),
        _text("pipeline", _LEFT + _SIZE / 2, bottom + 14),
        _text(ends[0], _LEFT - 6, bottom, "end"),
        _text(ends[1], _LEFT - 6, _TOP + 8, "end"),
        _text("ONNX file", _LEFT - 6, _TOP + _SIZE / 2, "end"),
    )


def _placed(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Shares of the way from low to high; what is no number lies at the low end."""
    shares = np.nan_to_num((values.astype(np.float64) - low) / (high - low), nan=0.0)
    inside: np.ndarray = np.clip(shares, 0, 1)
    return inside


def _cells(across: np.ndarray, up: np.ndarray) -> Iterator[Markup]:
    counts, _, _ = np.histogram2d(across, up, bins=_CELLS, range=((0, 1), (0, 1)))
    size, most = _SIZE / _CELLS, np.log10(1 + max(counts.max(), 1))
    for column, row in zip(*np.nonzero(counts), strict=True):
        shade = 0.2 + 0.8 * np.log10(1 + counts[column, row]) / most
        x, y = _LEFT + column * size, _TOP + _SIZE - (row + 1) * size
        yield element(
            "rect",
            x=f"{x:.1f}",
            y=f"{y:.1f}",
            width=f"{size:.1f}",
            height=f"{size:.1f}",
            class_="cell",
            opacity=f"{shade:.2f}",
        )


def _cutoff_lines(share: float) -> Iterator[Markup]:
    x, y = f"{_LEFT + share * _SIZE:.1f}", f"{_TOP + (1 - share) * _SIZE:.1f}"
    yield element("line", x1=x, y1=_TOP, x2=x, y2=_TOP + _SIZE, class_="guide")
    yield element("line", x1=_LEFT, y1=y, x2=_LEFT + _SIZE, y2=y, class_="guide")


def _rings(across: np.ndarray, up: np.ndarray) -> Iterator[Markup]:
    farthest = np.argsort(-np.abs(across - up), kind="stable")[:_MOST_CIRCLES]
    for x, y in zip(_LEFT + across[farthest] * _SIZE, _TOP + (1 - up[farthest]) * _SIZE, strict=True):
        yield element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", class_="off")


def _binned(sizes: np.ndarray, tolerance: float) -> tuple[list[str], list[int], list[bool]]:
    edges = [10.0**decade for decade in _DECADES]
    places = np.searchsorted(edges, sizes[sizes > 0] * (1 - 1e-12))
    counts = np.bincount(places, minlength=len(edges) + 1).tolist()
    labels = ["0", *(f"1e{decade}" if decade else "1" for decade in _DECADES), "more"]
    return labels, [int((sizes == 0).sum()), *counts], [False, *(edge > tolerance * 1.001 for edge in edges), True]


def _short(count: int) -> str:
    """As wide as a bar; the picture's words have the whole number."""
    return f"{count / 1000:.0f}k" if count >= 10_000 else f"{count:,}" if count else ""


def _top_of(share: float) -> float:
    return _TOP + 14 + (_SIZE - 14) * (1 - share)


def _bar(x: float, step: float, share: float, kind: str) -> Markup:
    top = _top_of(share)
    height = f"{_TOP + _SIZE - top:.1f}"
    return element("rect", x=f"{x + 2:.1f}", y=f"{top:.1f}", width=f"{step - 4:.1f}", height=height, class_=kind)


def _text(words: str, x: float, y: float, anchor: str = "middle") -> Markup:
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor) if words else Markup()
