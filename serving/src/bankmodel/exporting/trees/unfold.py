"""Write an ensemble's trees anew, each question asked of the caller's columns instead of the prepared features. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable
from bankmodel.progress import Progress, silent

__all__ = ["Ask", "Mode", "Nodes", "Plan", "unfolded"]

_GROWTH = 16  # log1p in front of a model that takes NaN as missing: 4 to 8 with seven columns, and -1 imputed 13
_ALLOWANCE = 1_000
_INFINITY = float("inf")


class Mode(IntEnum):
    """ONNX's ways to compare (TreeEnsemble's `nodes_modes`)."""

    AT_MOST = 0
    EQUALS = 4
    IN_SET = 6


@dataclass(frozen=True)
class Ask:
    """One question about a column, as one ONNX node asks it."""

    column: int
    mode: Mode
    value: float = 0.0
    members: tuple[float, ...] = ()
    missing_true: bool = False


@dataclass(frozen=True)
class Plan:
    """What a node becomes: ask one after the other; answers[i] if the i-th holds, the last answer if none does."""

    asks: tuple[Ask, ...]
    answers: tuple[bool, ...]


@dataclass
class Nodes:
    """The new inner nodes, a list for each of ONNX's attributes. Leaves keep their numbers."""

    asks: list[Ask] = field(default_factory=list)
    true: list[int] = field(default_factory=list)
    true_is_leaf: list[int] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    false_is_leaf: list[int] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)

    def add(self, ask: Ask) -> int:
        """One more node, whose branches are told later."""
        self.asks.append(ask)
        for each in (self.true, self.true_is_leaf, self.false, self.false_is_leaf):
            each.append(0)
        return len(self.asks) - 1

    def lead(self, node: int, branch: bool, place: int, *, is_leaf: bool) -> None:
        """Where the node's true or false branch leads."""
        places, leaves = (self.true, self.true_is_leaf) if branch else (self.false, self.false_is_leaf)
        places[node], leaves[node] = place, int(is_leaf)


@dataclass(frozen=True)
class _Known:
    """What is known of a column on the way to a node: a number above `low` and up to `high`, or missing."""

    low: float = -_INFINITY
    high: float = _INFINITY
    may_miss: bool = True

    def after(self, ask: Ask, branch: bool) -> "_Known":
        may_miss = self.may_miss and ask.missing_true == branch
        if branch:
            return replace(self, high=min(self.high, ask.value), may_miss=may_miss)
        return replace(self, low=max(self.low, ask.value), may_miss=may_miss)

    def answer(self, ask: Ask) -> bool | None:
        """The ask's answer where it is known."""
        if self.high <= ask.value and (ask.missing_true or not self.may_miss):
            return True
        if ask.value <= self.low and not (ask.missing_true and self.may_miss):
            return False
        return None


_Path = Mapping[int, _Known]
_NOTHING: _Path = {}


def unfolded(ensemble: Ensemble, plans: Sequence[Plan], progress: Progress = silent) -> Nodes:
    """The trees with `plans[n]` in place of node n: no node where the answer is the same for all, several where needed."""
    nodes = Nodes()
    limit = _GROWTH * len(plans) + _ALLOWANCE
    turning = frozenset(plan.asks[0].column for plan in plans if len(plan.asks) > 1)
    growth = _Growth(nodes, ensemble, plans, turning)
    for number, root in enumerate(ensemble.roots.tolist()):
        progress("writing the trees", number + 1, len(ensemble.roots))
        nodes.roots.append(len(nodes.asks))
        growth.grow(root)
        if len(nodes.asks) > limit:
            raise NotFoldable(
                "its trees would grow to more than sixteen times their size", "impute before the step that turns"
            )
    return nodes


@dataclass
class _Growth:
    """Where a node asks twice, a branch is written twice; what is known on the way there (`turning`: about which columns)
    keeps it from happening again below.
    """

    nodes: Nodes
    ensemble: Ensemble
    plans: Sequence[Plan]
    turning: frozenset[int]

    def grow(self, root: int) -> None:
        """One tree, each node before its branches and the true one first: onnx.reference reads members in that order."""
        first, step = self._settled(root, 0, _NOTHING)
        if first < 0:
            self._grow_leaf(~first)
            return
        waiting: list[tuple[int, int, int, bool, _Path]] = [(first, step, -1, True, _NOTHING)]
        while waiting:
            place, step, parent, branch, path = waiting.pop()
            if place < 0:
                self.nodes.lead(parent, branch, ~place, is_leaf=True)
                continue
            ask = self.plans[place].asks[step]
            node = self.nodes.add(ask)
            if parent >= 0:
                self.nodes.lead(parent, branch, node, is_leaf=False)
            for side in (False, True):
                ahead = self._ahead(path, ask, side)
                waiting.append((*self._next(place, step, side, ahead), node, side, ahead))

    def _grow_leaf(self, leaf: int) -> None:
        only = self.nodes.add(Ask(0, Mode.AT_MOST))
        self.nodes.lead(only, True, leaf, is_leaf=True)
        self.nodes.lead(only, False, leaf, is_leaf=True)

    def _ahead(self, path: _Path, ask: Ask, side: bool) -> _Path:
        if ask.column not in self.turning or ask.mode is not Mode.AT_MOST:
            return path
        return {**path, ask.column: path.get(ask.column, _Known()).after(ask, side)}

    def _next(self, place: int, step: int, side: bool, path: _Path) -> tuple[int, int]:
        """The node and its ask that come when this ask is answered."""
        plan = self.plans[place]
        if not side and step + 1 < len(plan.asks):
            return self._settled(place, step + 1, path)
        return self._settled(self._child(place, plan.answers[step] if side else plan.answers[-1]), 0, path)

    def _settled(self, place: int, step: int, path: _Path) -> tuple[int, int]:
        """The next ask whose answer is not known on this path, or a leaf."""
        while place >= 0:
            plan = self.plans[place]
            if step == len(plan.asks):
                place, step = self._child(place, plan.answers[-1]), 0
                continue
            ask = plan.asks[step]
            known = path[ask.column].answer(ask) if ask.column in path else None
            if known is None:
                return place, step
            place, step = (self._child(place, plan.answers[step]), 0) if known else (place, step + 1)
        return place, 0

    def _child(self, place: int, answer: bool) -> int:
        return int((self.ensemble.yes if answer else self.ensemble.no)[place])
