"""Histograms of the sample, kept in the card: what "as in training" means when scores and inputs are watched later."""

from collections.abc import Sequence

import numpy as np

from bankmodel_serving.card import Histogram

__all__ = ["PROBABILITY_EDGES", "count_numbers", "count_words", "quantile_edges"]

_BINS_MAX = 10
_CATEGORIES_MAX = 20

PROBABILITY_EDGES = tuple(round(step / 20, 2) for step in range(21))


def quantile_edges(values: np.ndarray, bins: int = _BINS_MAX) -> tuple[float, ...]:
    """Edges of at most `bins` bins that hold about as many values each; a bin per value where there are so few.

    `()` when no value is finite. Quantiles alone would throw 0 and 1 of a flag into one bin.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return ()
    distinct = np.unique(finite)
    if len(distinct) == 1:
        reach = max(abs(distinct[0]), 1.0) / 2
        return (float(distinct[0] - reach), float(distinct[0] + reach))
    if len(distinct) <= bins:
        between = (distinct[:-1] + distinct[1:]) / 2
        return tuple(float(edge) for edge in (distinct[0], *between, distinct[-1]))
    cuts = _cuts(finite, bins)
    if len(cuts) <= bins // 2:  # nearly all values are one and the same: what moves is in the others
        cuts = _cuts(distinct, bins)
    return tuple(float(edge) for edge in cuts)


def _cuts(values: np.ndarray, bins: int) -> np.ndarray:
    found: np.ndarray = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1), method="nearest"))
    return found


def count_numbers(values: np.ndarray, edges: Sequence[float]) -> Histogram:
    """Counts per bin [e_i, e_i+1), the last one closed; NaN counts as missing."""
    if not edges:
        return Histogram(missing=int(np.isnan(values).sum()))
    present = values[~np.isnan(values)].astype(np.float64)
    inside = present[(present >= edges[0]) & (present <= edges[-1])]
    counts, _ = np.histogram(inside, bins=np.asarray(edges))
    return Histogram(
        edges=tuple(edges),
        counts=tuple(int(count) for count in counts),
        missing=len(values) - len(present),
        outside=len(present) - len(inside),
    )


def count_words(values: np.ndarray, missing: str | None) -> Histogram:
    """Counts of the most frequent words; the others are `outside`."""
    words, counts = np.unique(values.astype(str), return_counts=True)
    found = {str(word): int(count) for word, count in zip(words, counts, strict=True)}
    absent = found.pop(missing, 0) if missing is not None else 0
    top = sorted(found, key=lambda word: (-found[word], word))[:_CATEGORIES_MAX]
    return Histogram(
        categories=tuple(top),
        counts=tuple(found[word] for word in top),
        missing=absent,
        outside=sum(found.values()) - sum(found[word] for word in top),
    )
