"""Item 6 of `make verify-export`: a forest of 500 deep trees, from the fitted pipeline to the written file."""

import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from bankmodel.exporting.export import HARD_ROWS, export
from verify.lines import Line, at_least, at_most, exactly

__all__ = ["item_6"]

_ROWS, _COLUMNS, _TREES = 20_000, 20, 500
_BAR_S = 60.0


def item_6() -> Iterator[Line]:
    """20,000 rows of 20 numbers, 500 trees without a limit on depth: processor time of the whole export, hard rows and all."""
    rows, target = make_classification(_ROWS, _COLUMNS, n_informative=10, flip_y=0.05, random_state=0)
    frame = pd.DataFrame(rows, columns=[f"number {place}" for place in range(_COLUMNS)])
    forest = RandomForestClassifier(_TREES, random_state=0, n_jobs=1).fit(frame, target)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    yield at_least(
        f"nodes of {_TREES} trees, the deepest {max(each.get_depth() for each in forest.estimators_)}", nodes, 1_000_000
    )
    with tempfile.TemporaryDirectory() as folder:
        began, wall = time.process_time(), time.monotonic()
        made = export(forest, frame, Path(folder) / "forest.onnx", name="forest")
        spent, waited = time.process_time() - began, time.monotonic() - wall
        size = made.path.stat().st_size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    yield at_most(
        f"export: processor time ({waited:.0f} s by the clock, {size:,} bytes, {memory:,} MiB at most)",
        round(spent, 1),
        _BAR_S,
        " s",
    )
    hard = made.parity.hard
    yield exactly("  rows of the sample that are off", made.parity.rows_off, 0)
    yield at_least("  hard rows tried", hard.found.rows if hard else 0, HARD_ROWS)
    yield exactly("  hard rows that are off", hard.found.rows_off if hard else -1, 0)
