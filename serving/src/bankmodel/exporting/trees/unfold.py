"""Write an ensemble's trees anew, each question asked of the caller's columns instead of the prepared features. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from bankmodel.exporting.trees.ensemble import Ensemble, NotFoldable

__all__ = ["Ask", "Mode", "Nodes", "Plan", "unfolded"]

_GROWTH = 4
_ALLOWANCE = 1_000


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


def unfolded(ensemble: Ensemble, plans: Sequence[Plan]) -> Nodes:
    """The trees with `plans[n]` in place of node n: no node where the answer is the same for all, several where needed."""
    nodes = Nodes()
    limit = _GROWTH * len(plans) + _ALLOWANCE
    for root in ensemble.roots.tolist():
        nodes.roots.append(len(nodes.asks))
        _grow(nodes, ensemble, plans, root)
        if len(nodes.asks) > limit:
            raise NotFoldable("its trees would grow to more than four times their size")
    return nodes


def _grow(nodes: Nodes, ensemble: Ensemble, plans: Sequence[Plan], root: int) -> None:
    """One tree, each node before its branches and the true one first: onnx.reference reads members in that order."""
    yes, no = ensemble.yes, ensemble.no
    first = _settled(plans, ensemble, root)
    if first < 0:
        only = nodes.add(Ask(0, Mode.AT_MOST))
        nodes.lead(only, True, ~first, is_leaf=True)
        nodes.lead(only, False, ~first, is_leaf=True)
        return
    waiting: list[tuple[int, int, int, bool]] = [(first, 0, -1, True)]
    while waiting:
        place, step, parent, branch = waiting.pop()
        if place < 0:
            nodes.lead(parent, branch, ~place, is_leaf=True)
            continue
        plan = plans[place]
        node = nodes.add(plan.asks[step])
        if parent >= 0:
            nodes.lead(parent, branch, node, is_leaf=False)
        children = {True: int(yes[place]), False: int(no[place])}
        if step + 1 < len(plan.asks):
            waiting.append((place, step + 1, node, False))
        else:
            waiting.append((_settled(plans, ensemble, children[plan.answers[-1]]), 0, node, False))
        waiting.append((_settled(plans, ensemble, children[plan.answers[step]]), 0, node, True))


def _settled(plans: Sequence[Plan], ensemble: Ensemble, place: int) -> int:
    """The next node that has something to ask, or a leaf."""
    while place >= 0 and not plans[place].asks:
        place = int((ensemble.yes if plans[place].answers[0] else ensemble.no)[place])
    return place
