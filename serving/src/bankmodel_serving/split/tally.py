"""What one process counts about the split. Only the event loop's thread writes; `metrics` renders it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bankmodel_serving.recorder import Distribution
from bankmodel_serving.tensors import Array

__all__ = ["DIFFERENCE_BOUNDS", "SplitTally"]

DIFFERENCE_BOUNDS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class SplitTally:
    """Keys are the labels of the metric."""

    def __init__(self) -> None:
        self.attempts: Counter[tuple[str, str]] = Counter()
        self.fallbacks: Counter[tuple[str, str]] = Counter()
        self.unkeyed: Counter[str] = Counter()
        self.looked_at = 0  # requests in which awaited inputs were looked for
        self.awaited_absent: Counter[str] = Counter()
        self.copies: Counter[tuple[str, str]] = Counter()
        self.compared: Counter[str] = Counter()
        self.flips: Counter[str] = Counter()
        self.differences: dict[str, Distribution] = {}

    def looked_for(self, absent: Sequence[str]) -> None:
        """One request was looked at, and these awaited inputs were not in it."""
        self.looked_at += 1
        self.awaited_absent.update(absent)

    def differed(self, to: str, differences: Array) -> None:
        """Absolute differences of scores; NaN where only one side had a number, which is beyond every bound."""
        found = self.differences.setdefault(to, Distribution(DIFFERENCE_BOUNDS))
        numbers = np.nan_to_num(differences.astype(np.float64), nan=np.inf, posinf=np.inf)
        slots = np.searchsorted(np.asarray(found.bounds), numbers, side="left")
        for slot, count in enumerate(np.bincount(slots, minlength=len(found.counts)).tolist()):
            found.counts[slot] += count
        found.total += float(numbers[np.isfinite(numbers)].sum())
