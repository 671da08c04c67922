"""Choose the rows whose answers the scoring container checks at start, and write them as the card has them."""

from collections.abc import Mapping, Sequence

import numpy as np

from bankmodel.running import Runner
from bankmodel_serving.card import Golden

__all__ = ["golden_vectors", "spread_over"]

_ROWS = 24
RTOL = 1e-4
ATOL = 1e-6


def spread_over(scores: np.ndarray, rows: int = _ROWS) -> list[int]:
    """Row numbers from the lowest to the highest score at even ranks: extremes and decisions in between."""
    order = np.argsort(scores, kind="stable")
    picks = np.unique(np.linspace(0, len(order) - 1, min(rows, len(order))).round().astype(int))
    return [int(order[pick]) for pick in picks]


def golden_vectors(
    runner: Runner, feeds: Mapping[str, np.ndarray], output: str, *, rows: Sequence[int], blanks: Mapping[str, object]
) -> Golden:
    """The file's own answers for `rows`, then once per input in `blanks` for the first row with that input missing.

    `blanks` gives what the file is fed for a missing value: NaN, or the missing token. The card says None for both.
    """
    chosen = {name: _with_blanks(name, array[list(rows)], blanks) for name, array in feeds.items()}
    answers = runner.run(chosen)[output]
    return Golden(
        inputs={name: _listed(array, blanks.get(name)) for name, array in chosen.items()},
        outputs={output: _listed(answers, None)},
        rtol=RTOL,
        atol=ATOL,
    )


def _with_blanks(name: str, column: np.ndarray, blanks: Mapping[str, object]) -> np.ndarray:
    extra = np.repeat(column[:1], len(blanks), axis=0)
    for position, blank in enumerate(blanks):
        if blank == name:
            extra[position] = blanks[name]
    return np.concatenate([column, extra])


def _listed(array: np.ndarray, token: object) -> tuple[object, ...]:
    """A [rows, 1] or [rows] array as a flat column, a wider one as row tuples."""
    if array.ndim > 1 and array.shape[1] != 1:
        return tuple(tuple(_plain(item, token) for item in row) for row in array)
    return tuple(_plain(item, token) for item in array.reshape(-1))


def _plain(item: object, token: object) -> object:
    """The shortest JSON value that reads back as the same float32; None for missing."""
    if isinstance(item, np.floating):
        return float(str(item)) if np.isfinite(item) else None
    if isinstance(item, np.generic):
        item = item.item()
    if isinstance(item, bytes):
        item = item.decode()
    return None if item == token and token is not None else item
