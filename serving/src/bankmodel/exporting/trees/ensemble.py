"""A fitted tree ensemble as plain arrays, whichever library it comes from: what the readers give and folding takes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bankmodel.exporting.trees.calibration import Calibration

__all__ = ["Categories", "Ensemble", "Link", "NotFoldable", "Scoring", "joined", "within"]

Link = Literal["identity", "logistic", "softmax", "exp"]


class NotFoldable(Exception):
    """Why this pipeline goes the standard way, and what would help; caught by the package's entrance."""

    def __init__(self, reason: str, way_out: str = "") -> None:
        super().__init__(reason, way_out)
        self.reason, self.way_out = reason, way_out
        self.path: tuple[str, ...] = ()
        """The names of the steps that the refused one stands in, from the outermost on."""

    def __str__(self) -> str:
        where = " > ".join(self.path)
        return f"{f'{where}: ' if where else ''}{self.reason}{f'; {self.way_out}' if self.way_out else ''}"


@contextmanager
def within(name: str) -> Iterator[None]:
    """What is refused in here is in the step of that name."""
    try:
        yield
    except NotFoldable as refusal:
        refusal.path = (name, *refusal.path)
        raise


@dataclass(frozen=True)
class Categories:
    """A node's test for membership: codes in `yes` go there, other `known` ones do not, all others as a missing value."""

    yes: frozenset[int]
    known: frozenset[int] | None

    def holds(self, codes: np.ndarray, missing_yes: bool) -> np.ndarray:
        """For each code; negative ones are missing values, as NaN is."""
        absent = np.isnan(codes) | (codes < 0)
        whole = np.where(absent, -1, codes).astype(np.int64)
        if self.known is not None:
            absent = absent | ~np.isin(whole, list(self.known))
        found: np.ndarray = np.where(absent, missing_yes, np.isin(whole, list(self.yes)))
        return found


@dataclass(frozen=True)
class Scoring:
    """What is done with the trees' sums: one column, or one for each class; `classes` is empty for a regressor.

    Sums are multiplied by `scale` before the logistic link. `single`: sums, and links of one column, are in float32.
    """

    targets: int
    link: Link = "identity"
    divisor: int = 1
    scale: float = 1.0
    classes: tuple[Any, ...] = ()
    ties_to_last: bool = False
    single: bool = False


@dataclass(frozen=True)
class Ensemble:
    """Inner nodes and leaves of all trees. A node asks whether its feature, cast to `dtype`, is at most `threshold`.

    `yes` and `no` hold the number of the next inner node, or ~n for leaf n; `roots` likewise. A missing feature goes to
    `yes` where `missing_yes`. Nodes in `categories` ask for membership instead.
    """

    feature: np.ndarray
    threshold: np.ndarray
    missing_yes: np.ndarray
    yes: np.ndarray
    no: np.ndarray
    roots: np.ndarray
    leaf: np.ndarray
    target: np.ndarray
    dtype: np.dtype
    scoring: Scoring
    categories: Mapping[int, Categories] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def targets(self) -> int:
        """Sums: those of one model, or of each member of a calibrated classifier."""
        return self.scoring.targets * (self.calibration.members if self.calibration else 1)


def joined(trees: list[Ensemble], scoring: Scoring, base: np.ndarray) -> Ensemble:
    """All trees as one ensemble; `base`, a number for each target, goes into the leaves of its first tree.

    There it is added before all others, as the libraries do, so that sums end in the same bits. It may be empty.
    """
    nodes = np.cumsum([0, *(len(tree.feature) for tree in trees[:-1])]).tolist()
    leaves = np.cumsum([0, *(len(tree.leaf) for tree in trees[:-1])]).tolist()
    leaf = np.concatenate([tree.leaf for tree in trees])
    for column, value in enumerate(base):
        first = next(i for i, tree in enumerate(trees) if (tree.target == column).all())
        leaf[leaves[first] : leaves[first] + len(trees[first].leaf)] += value
    placed = list(zip(trees, nodes, leaves, strict=True))
    return Ensemble(
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        missing_yes=np.concatenate([tree.missing_yes for tree in trees]),
        yes=np.concatenate([_moved(tree.yes, *by) for tree, *by in placed]),
        no=np.concatenate([_moved(tree.no, *by) for tree, *by in placed]),
        roots=np.concatenate([_moved(tree.roots, *by) for tree, *by in placed]),
        leaf=leaf,
        target=np.concatenate([tree.target for tree in trees]),
        dtype=trees[0].dtype,
        scoring=scoring,
        categories={node + start: asked for tree, start, _ in placed for node, asked in tree.categories.items()},
    )


def _moved(places: np.ndarray, nodes: int, leaves: int) -> np.ndarray:
    moved: np.ndarray = np.where(places >= 0, places + nodes, places - leaves)
    return moved
