"""Lines through points as trees that find the piece in which a score is: that is how onnxruntime looks things up. Pure."""

import numpy as np

from bankmodel.exporting.trees.calibration import Lines
from bankmodel.exporting.trees.ensemble import Ensemble, Scoring, joined

__all__ = ["pieces_of"]


def pieces_of(lines: Lines) -> Ensemble:
    """For each of n lines, by targets: its slope at a score (0 to n), where the piece starts (n to 2n), and how high."""
    columns = len(lines.points)
    trees = [
        _tree(places, leaf, column, target=part * columns + column)
        for part in range(3)
        for column, (places, heights) in enumerate(lines.points)
        for leaf in [_pieces(places, heights)[part]]
    ]
    return joined(trees, Scoring(3 * columns), np.zeros(0))


def _pieces(places: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope, start and height of what is left of the first point, between the points, and right of the last."""
    slopes = np.diff(heights) / np.diff(places)
    level = np.zeros(1, places.dtype)
    return (
        np.concatenate([level, slopes, level]),
        np.concatenate([places[:1], places]),
        np.concatenate([heights[:1], heights]),
    )


def _tree(places: np.ndarray, leaf: np.ndarray, column: int, *, target: int) -> Ensemble:
    """Halving: each node asks whether a score is below a point; leaf i lies between the points i - 1 and i."""
    yes, no = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
    waiting = [(0, len(places))]
    while waiting:
        low, high = waiting.pop()
        middle = (low + high) // 2
        for side, start, end in ((yes, low, middle), (no, middle + 1, high)):
            side[middle] = (start + end) // 2 if start < end else ~start
            waiting += [(start, end)] if start < end else []
    return Ensemble(
        feature=np.full(len(places), column),
        threshold=np.nextafter(places, -np.inf, dtype=places.dtype).astype(np.float64),
        missing_yes=np.zeros(len(places), bool),
        yes=yes,
        no=no,
        roots=np.array([len(places) // 2]),
        leaf=leaf.astype(np.float64),
        target=np.full(len(leaf), target),
        dtype=places.dtype,
        scoring=Scoring(1),
    )
