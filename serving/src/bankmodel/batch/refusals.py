"""Rows that get no score, and why. One reason a row: the first that was found."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bankmodel_serving.tensors import Array

__all__ = ["Refusals"]


class Refusals:
    """`reasons` by position in the batch."""

    def __init__(self) -> None:
        self.reasons: dict[int, str] = {}

    def add(self, position: int, reason: str) -> None:
        self.reasons.setdefault(position, reason)

    def add_where(self, wrong: "np.ndarray[Any, np.dtype[np.bool_]]", reason: Callable[[int], str]) -> None:
        """Refuse every row that is wrong; `reason` is asked for those alone."""
        for position in np.flatnonzero(wrong).tolist():
            if position not in self.reasons:
                self.reasons[position] = reason(position)

    def accepted(self, rows: int) -> Array:
        """The positions of the other rows, in order."""
        kept = np.ones(rows, dtype=np.bool_)
        kept[list(self.reasons)] = False
        return np.flatnonzero(kept)
