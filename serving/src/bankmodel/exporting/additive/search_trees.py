"""Levels as trees of ONNX: a search by halves for each column and each sum. Pure."""

from collections.abc import Sequence

import numpy as np

from bankmodel.exporting.additive.levels import Levels
from bankmodel.exporting.trees.unfold import Ask, Mode, Nodes

__all__ = ["SearchTrees", "search_trees"]


class SearchTrees:
    """The nodes, and for each leaf its number and the sum that it counts for."""

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.leaves: list[float] = []
        self.targets: list[int] = []

    def add(self, levels: Levels, target: int) -> None:
        """A tree for one column and one sum; nothing where the column changes nothing in it."""
        values = levels.values[:, target].tolist()
        missing = None if levels.missing is None else float(levels.missing[target])
        if not any((*values, missing)):
            return
        self.nodes.roots.append(len(self.nodes.asks))
        if missing is None:
            self._grow(levels, values, target, 0, len(levels.cuts))
            return
        root = self.nodes.add(Ask(levels.column, Mode.AT_MOST, np.inf))
        self._lead(root, True, self._grow(levels, values, target, 0, len(levels.cuts)))
        self._lead(root, False, self._leaf(missing, target))

    def _grow(self, levels: Levels, values: list[float], target: int, start: int, end: int) -> int:
        """The node that searches the cuts from `start` to before `end`; ~n where only leaf n is left."""
        if start == end:
            return self._leaf(values[start], target)
        middle = (start + end) // 2
        node = self.nodes.add(Ask(levels.column, Mode.AT_MOST, levels.cuts[middle]))
        self._lead(node, True, self._grow(levels, values, target, start, middle))
        self._lead(node, False, self._grow(levels, values, target, middle + 1, end))
        return node

    def _leaf(self, value: float, target: int) -> int:
        self.leaves.append(value)
        self.targets.append(target)
        return ~(len(self.leaves) - 1)

    def _lead(self, node: int, branch: bool, place: int) -> None:
        self.nodes.lead(node, branch, place if place >= 0 else ~place, is_leaf=place < 0)


def search_trees(levels: Sequence[Levels], sums: int) -> SearchTrees:
    """All columns' trees; the sums' constants are not in them."""
    trees = SearchTrees()
    for each in levels:
        for target in range(sums):
            trees.add(each, target)
    return trees
