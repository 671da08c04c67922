"""`make verify-export`: what is promised of exact models, an item each. Parity is counted, speed judged by ratios in one run."""

from collections.abc import Iterator

from support.random_trees import neighbours_off
from verify.export_large import item_6
from verify.export_linear import item_5, item_7
from verify.export_matrix import item_1
from verify.export_speed import item_3, item_4
from verify.lines import Line, at_least, exactly

__all__ = ["EXPORT"]

_CASES = 100


def item_2() -> Iterator[Line]:
    """Random monotone steps and random trees: folded and not, on every float neighbour of every threshold."""
    seen = [neighbours_off(seed) for seed in range(_CASES)]
    rows, off = (sum(each) for each in zip(*seen, strict=True))
    yield at_least(f"{_CASES} random pipelines: rows on and beside thresholds", rows, 20_000)
    yield exactly("  predictions that differ in any bit", off, 0)


EXPORT = {"1": item_1, "2": item_2, "3": item_3, "4": item_4, "5": item_5, "6": item_6, "7": item_7}
