"""What the model sees and says, counted in the card's bins: the raw material of drift. Called by the runner.

Counting is kept out of the way of requests: batches are noted by reference, and folded later one feature per turn of
the event loop (folding 4,096 rows at once had cost a p99 of 3.3 ms).
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from bankmodel_serving.card import Card, Feature, Histogram, Score
from bankmodel_serving.grouping import groups_of
from bankmodel_serving.tensors import Array, Schema, TensorSpec

__all__ = ["Observer", "ScoreTally", "Tally", "observer_for"]

_FOLD_ROWS = 1024  # a slice of so many rows takes 50 µs; fewer cost more per row
Place: TypeAlias = tuple[int, int]
DEFAULT_EDGES = tuple(index / 20 for index in range(21))


class Tally(Protocol):
    """Counts of one feature: `counts` per bin of its baseline, then missing and outside."""

    counts: list[int]
    missing: int
    outside: int

    def add(self, values: Array) -> None: ...


class NumericTally:
    """Bins [e_i, e_i+1), the last one closed, as the card's baseline has them."""

    def __init__(self, edges: Sequence[float], missing_token: int | None = None) -> None:
        self._edges = np.asarray(edges, dtype=np.float64)
        self._token = missing_token
        self.counts = [0] * (len(edges) - 1)
        self.missing = 0
        self.outside = 0

    def add(self, values: Array) -> None:
        numbers = values.astype(np.float64).reshape(-1)
        absent = np.isnan(numbers) if self._token is None else numbers == self._token
        missing = int(np.count_nonzero(absent))
        if missing:
            numbers = numbers[~absent]
        slots = np.searchsorted(
            self._edges, numbers, side="right"
        )  # 0: below all edges; the last: at or above the last
        slots[numbers == self._edges[-1]] -= 1
        found = np.bincount(slots, minlength=len(self.counts) + 2).tolist()
        self.counts = [old + new for old, new in zip(self.counts, found[1:-1], strict=True)]
        self.missing += missing
        self.outside += found[0] + found[-1]


class TextTally:
    """One bin per category of the baseline."""

    def __init__(self, categories: Sequence[str], missing_token: str | None = None) -> None:
        self._index = {category: index for index, category in enumerate(categories)}
        self._token = missing_token
        self.counts = [0] * len(categories)
        self.missing = 0
        self.outside = 0

    def add(self, values: Array) -> None:
        for value, count in Counter(values.reshape(-1).tolist()).items():
            if value == self._token:
                self.missing += count
            elif value in self._index:
                self.counts[self._index[value]] += count
            else:
                self.outside += count


class ScoreTally:
    """Scores between the edges; slot i is above edge i-1 and at or below edge i, the last one is beyond all."""

    def __init__(self, output: int, column: int | None, edges: Sequence[float], name: str = "") -> None:
        self.output = output
        self.name = name
        self.edges = tuple(edges)
        self._bounds = np.asarray(edges, dtype=np.float64)
        self.counts = [0] * (len(self.edges) + 1)
        self.total = 0.0
        self._column = column

    def of(self, answers: Array) -> Array:
        """The scores in this output, as doubles of their own."""
        scores = answers if self._column is None else answers.reshape(len(answers), -1)[:, self._column]
        return scores.reshape(-1).astype(np.float64)

    def add(self, answers: Array) -> None:
        numbers = self.of(answers)
        numbers = numbers[~np.isnan(numbers)]
        slots = np.searchsorted(self._bounds, numbers, side="left")
        found = np.bincount(slots, minlength=len(self.counts)).tolist()
        self.counts = [old + new for old, new in zip(self.counts, found, strict=True)]
        self.total += float(numbers.sum())


class Observer:
    """Notes batches and folds them into the tallies a slice at a time. `later` is the event loop's call_soon.

    A feature is (name, (group, row), tally): its values are one row of that group's matrix (see `grouping`).
    """

    def __init__(
        self,
        features: Sequence[tuple[str, Place, Tally]],
        score: ScoreTally | None,
        later: Callable[[Callable[[], None]], Any],
    ) -> None:
        self.features = tuple(features)
        self.score = score
        self._later = later
        self._wanted = sorted({group for _, (group, _), _ in self.features})
        self._pending: list[tuple[list[Array], Array | None]] = []
        self._rows = 0
        self._slices: deque[Callable[[], None]] = deque()

    def note(self, matrices: Sequence[Array], outputs: Sequence[Array], rows: int) -> None:
        """Remember one scored batch. The matrices are kept as they are; answers may be buffers, and are copied."""
        kept = [matrices[group] for group in self._wanted]
        self._pending.append((kept, None if self.score is None else outputs[self.score.output].copy()))
        self._rows += rows
        if self._rows >= _FOLD_ROWS:
            self.fold()

    def fold(self) -> None:
        """Start counting what is pending; the work itself is spread over the coming turns of the loop."""
        if not self._pending:
            return
        pending, self._pending, self._rows = self._pending, [], 0
        was_idle = not self._slices
        for at, group in enumerate(self._wanted):
            own = [(row, tally) for _, (place, row), tally in self.features if place == group]
            self._slices.append(self._group_slice([kept[at] for kept, _ in pending], own))
        if self.score is not None:
            self._slices.append(_adder(self.score, [answers for _, answers in pending if answers is not None]))
        if was_idle and self._slices:
            self._later(self._fold_slice)

    def _group_slice(self, matrices: list[Array], features: Sequence[tuple[int, Tally]]) -> Callable[[], None]:
        """Joins a group's matrices, then puts a slice for each of its features in front of what waits."""

        def join() -> None:
            joined = np.concatenate(matrices, axis=1)
            self._slices.extendleft(partial(tally.add, joined[row]) for row, tally in features)

        return join

    def _fold_slice(self) -> None:
        self._slices.popleft()()
        if self._slices:
            self._later(self._fold_slice)


def _adder(tally: ScoreTally, arrays: list[Array]) -> Callable[[], None]:
    return lambda: tally.add(np.concatenate(arrays))


def observer_for(schema: Schema, card: Card | None, later: Callable[[Callable[[], None]], Any]) -> Observer:
    """The observer for one model: features with a baseline, and the score if one can be told from the outputs."""
    places = _places(schema)
    features = [
        (feature.name, places[feature.name], _tally(feature, feature.baseline))
        for feature in (card.features if card else ())
        if feature.baseline is not None and feature.baseline.counts and feature.name in places
    ]
    return Observer(features, _score_tally(schema.outputs, card.score if card else None), later)


def _places(schema: Schema) -> dict[str, Place]:
    groups = groups_of(schema.inputs) or ()
    return {
        schema.inputs[position].name: (index, row)
        for index, group in enumerate(groups)
        if not group.is_wide
        for row, position in enumerate(group.positions)
    }


def _tally(feature: Feature, baseline: Histogram) -> Tally:
    token = feature.missing_token
    if baseline.categories:
        return TextTally(baseline.categories, token if isinstance(token, str) else None)
    return NumericTally(baseline.edges, token if isinstance(token, int) else None)


def _score_tally(outputs: Sequence[TensorSpec], score: Score | None) -> ScoreTally | None:
    if score is not None:
        names = [spec.name for spec in outputs]
        if score.output not in names:
            return None
        return ScoreTally(names.index(score.output), score.class_index, score.edges or DEFAULT_EDGES, score.output)
    # Without a card: the first float output with one value a row, or two as a binary classifier has them.
    for index, spec in enumerate(outputs):
        if spec.kind.family == "float" and spec.row_shape in ((), (1,), (2,)):
            return ScoreTally(index, None if spec.row_shape == () else -1, DEFAULT_EDGES, spec.name)
    return None
