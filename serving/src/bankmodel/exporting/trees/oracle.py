"""What the fitted steps in front of a model make of any value: the pipeline itself is asked, no step is computed anew."""

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from bankmodel.exporting.schema import Column, as_original
from bankmodel.exporting.steps import fitted_steps
from bankmodel.exporting.trees.ensemble import NotFoldable
from bankmodel.exporting.trees.ways import Branch

__all__ = ["OfColumn", "Oracle", "Walk"]

_ROWS = 100_000
_COMPARED = 500


class OfColumn(Protocol):
    """Whatever is known of a feature, it is made of one column."""

    @property
    def column(self) -> int: ...


_Source = TypeVar("_Source", bound=OfColumn)
Walk = Callable[[Sequence[Any], Sequence[Column]], tuple[_Source, ...]]
"""What is known of each feature that the steps make of the columns; NotFoldable where a step is not known."""


class Oracle(Generic[_Source]):
    """Asks for many features at once: no step mixes columns, so each row may probe a value in every column."""

    def __init__(
        self,
        pipeline: Any,
        columns: Sequence[Column],
        frame: pd.DataFrame,
        *,
        walk: Walk[_Source],
        dtype: np.dtype,
        branches: Sequence[Branch],
    ) -> None:
        self.columns = tuple(columns)
        self.dtype = dtype
        """What the caller sends numbers as."""
        self._pipeline = pipeline
        self._branches = [replace(branch, steps=tuple(map(_lenient, branch.steps))) for branch in branches]
        self._row = {column.name: _typical(frame[column.name]) for column in columns}
        self._words = {column.name: frame[column.name].dtype for column in columns if column.kind == "text"}
        self._sample = frame
        self.sources = tuple(source for branch in self._branches for source in walk(branch.steps, self.columns))
        """Of the features of all branches, side by side."""
        made = self._prepared({}, 1).shape[1]
        if made != len(self.sources):
            raise NotFoldable(f"its steps make {made} features, where {len(self.sources)} were expected")

    def values(self, asked: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """For each feature what the model gets, where its column holds the asked values: in double, NaN is missing."""
        queues: dict[int, list[np.ndarray]] = {}
        places: dict[int, slice] = {}
        for feature, values in asked.items():
            queue = queues.setdefault(self.sources[feature].column, [])
            start = sum(map(len, queue))
            places[feature] = slice(start, start + len(values))
            queue.append(values)
        probes = {column: np.concatenate(queue) for column, queue in queues.items()}
        answers: dict[int, list[np.ndarray]] = {feature: [] for feature in asked}
        rows = max(map(len, probes.values()), default=0)
        if not rows:  # no answer changes anywhere
            return {feature: np.empty(0) for feature in asked}
        for start in range(0, rows, _ROWS):
            batch = {column: queue[start : start + _ROWS] for column, queue in probes.items()}
            made = self._prepared(batch, min(_ROWS, rows - start))
            for feature, kept in answers.items():
                kept.append(made[:, feature])
        return {feature: np.concatenate(kept)[places[feature]] for feature, kept in answers.items()}

    def sample(self, column: int, most: int) -> np.ndarray:
        """At most so many different values of the sample, spread over it; none of them missing."""
        values = np.unique(self._sample[self.columns[column].name].dropna().to_numpy(self.dtype))
        spread: np.ndarray = values[np.linspace(0, len(values) - 1, min(most, len(values))).astype(int)]
        return spread

    def mixed(self) -> int | None:
        """The first feature whose values hang on other columns or rows: they come out otherwise in other company."""
        random = np.random.default_rng(0)
        numbers = {column.name: self.dtype for column in self.columns if column.kind == "number"}
        frame = self._sample.head(_COMPARED).astype(numbers)
        half = frame.head((len(frame) + 1) // 2)
        orders = [random.permutation(len(frame))[: len(half)] for _ in self.columns]
        moved = {
            column.name: pd.Series(frame[column.name].array[order], index=half.index)
            for column, order in zip(self.columns, orders, strict=True)
        }
        made, after = (self._prepared_of(each, is_finite=False) for each in (frame, half.assign(**moved)))
        for feature, source in enumerate(self.sources):
            if not np.allclose(made[orders[source.column], feature], after[:, feature], rtol=1e-6, equal_nan=True):
                return feature
        return None

    def typical(self, column: int) -> Any:
        """A value of the column that the pipeline is known to take."""
        return self._row[self.columns[column].name]

    def missing(self, column: int) -> np.ndarray | None:
        """All features where the column is missing; None where the pipeline refuses that."""
        blank = np.array([np.nan], self.dtype if self.columns[column].kind == "number" else object)
        try:
            made: np.ndarray = self._prepared({column: blank}, 1, is_finite=False)[0]
        except NotFoldable:
            return None
        return made

    def _prepared(self, probes: Mapping[int, np.ndarray], rows: int, *, is_finite: bool = True) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # words that are no category of a column become missing ones, as is wanted
            frame = self._frame(probes, rows)
        return self._prepared_of(frame, is_finite=is_finite)

    def _prepared_of(self, frame: pd.DataFrame, *, is_finite: bool) -> np.ndarray:
        with warnings.catch_warnings(), np.errstate(all="ignore"), config_context(assume_finite=is_finite):
            warnings.simplefilter("ignore")  # the largest floats overflow, which is what is wanted to be known
            given = as_original(self._pipeline, frame, self.columns, as_sent=False)
            return np.concatenate([self._made(branch, given) for branch in self._branches], axis=1)

    def _made(self, branch: Branch, made: Any) -> np.ndarray:
        for step in branch.steps:
            made = self._asked(step, made)
        dense = made.toarray() if hasattr(made, "toarray") else np.asarray(made)
        cast: np.ndarray = dense.astype(branch.dtype).astype(np.float64)
        return cast

    @staticmethod
    def _asked(step: Any, rows: Any) -> Any:
        try:
            return step.transform(rows)
        except Exception as error:  # a pipeline is foreign code
            reason = f"{type(step).__name__} takes no extreme values: {type(error).__name__}: {str(error)[:100]}"
            raise NotFoldable(reason, "let it, or clip the values before it") from error

    def _frame(self, probes: Mapping[int, np.ndarray], rows: int) -> pd.DataFrame:
        return pd.DataFrame(
            {column.name: self._column(column, probes.get(place), rows) for place, column in enumerate(self.columns)}
        )

    def _column(self, column: Column, probes: np.ndarray | None, rows: int) -> pd.Series:
        given = np.array([] if probes is None else probes, object if column.kind == "text" else self.dtype)
        padding = np.full(rows - len(given), self._row[column.name], given.dtype)
        filled = pd.Series(np.concatenate([given, padding]))
        return filled.astype(self._words[column.name]) if column.kind == "text" else filled


def _lenient(step: Any) -> Any:
    """A copy that takes unknown words where the step itself refuses them: as no word, which is what ONNX then does."""
    twin = copy.deepcopy(step)
    for part in fitted_steps(twin):
        if isinstance(part, OneHotEncoder) and part.handle_unknown == "error":
            part.handle_unknown = "ignore"
        elif isinstance(part, OrdinalEncoder) and part.handle_unknown == "error":
            part.handle_unknown, part.unknown_value = "use_encoded_value", -1
    return twin


def _typical(values: pd.Series) -> Any:
    """A value that the pipeline is known to take."""
    present = values.dropna()
    return present.iloc[0] if len(present) else np.nan
