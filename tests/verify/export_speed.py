"""Items 3 and 4 of `make verify-export`: speed and size beside the standard conversion, and what another runtime answers."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx.reference import ReferenceEvaluator
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline

from bankmodel.exporting.convert import to_onnx
from bankmodel.exporting.schema import as_feeds, columns_of
from bankmodel.exporting.trees import folded
from bankmodel_serving.engine import session_options
from bankmodel_serving.runtime import onnxruntime
from support.exact_pairs import PAIRS, Pair
from support.fitted import NUMBERS, applications, decisions
from support.hard_rows import hard_rows
from support.tree_steps import NUMBER_STEPS, WORD_STEPS, prepared
from verify.lines import Line, at_least, exactly

__all__ = ["item_3", "item_4", "rows_apart", "times_faster"]

_TOKEN = "__missing__"
_ROUNDS = 41
_CALLS = 200
_TEXT_COLUMNS = [f"text {number}" for number in range(5)]
_COMPARED_ROWS = 300
_REFERENCE_PAIRS = ("median, standard | one-hot > boosting", "standard | one-hot > histogram boosting",
                    "median | ordinal > histogram boosting", "three wines: median, standard > shallow forest",
                    "diabetes: median, standard > histogram boosting of counts")  # fmt: skip

_SCORERS: dict[str, Callable[[], Any]] = {
    "boosting, 100 trees": lambda: GradientBoostingClassifier(random_state=0),
    "histogram boosting, 100 trees": lambda: HistGradientBoostingClassifier(random_state=0),
    "forest of 100 trees, depth 8": lambda: RandomForestClassifier(max_depth=8, random_state=0),
}


def item_3() -> Iterator[Line]:
    """One row, times in turns: how many times faster than the standard conversion, and how large beside it."""
    for name, make in _SCORERS.items():
        for words, bar in (([], 1.0), (_TEXT_COLUMNS, 1.3)):
            exact, standard, feeds = _two_files(make(), words)
            times, ours, theirs = times_faster(exact, standard, feeds)
            what = f"{name}, 7 numbers, {len(words)} text: {ours:.1f} us, standard {theirs:.1f} us"
            yield at_least(what, round(times, 2), bar, "x")
            share = exact.ByteSize() / standard.ByteSize()
            yield Line(
                f"  size {exact.ByteSize():,} bytes, standard {standard.ByteSize():,}", f"{share:.2f}x", "", True
            )


def item_4() -> Iterator[Line]:
    """onnxruntime and onnx.reference on the same rows."""
    for pair in PAIRS:
        if pair.name in _REFERENCE_PAIRS:
            what = f"{pair.name}: rows of {_COMPARED_ROWS} that differ"
            yield exactly(what, rows_apart(pair, _COMPARED_ROWS), 0)


def rows_apart(pair: Pair, rows: int) -> int:
    """How many hard rows the two runtimes score or label otherwise."""
    pipeline, frame = pair.make()
    columns = columns_of(pipeline, frame)
    model = folded(pipeline, frame, columns, token=_TOKEN, name="exact")
    onnx.checker.check_model(model, full_check=True)
    feeds = as_feeds(hard_rows(model, frame, rows), columns, _TOKEN)
    ours = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)
    theirs = ReferenceEvaluator(model).run(None, feeds)
    apart = np.zeros(rows, bool)
    for left, right in zip(ours, theirs, strict=True):
        same = left == right if left.dtype.kind in "iO" else np.isclose(left, right, rtol=1e-6, atol=1e-7)
        apart |= ~same.reshape(rows, -1).all(axis=1)
    return int(apart.sum())


def _two_files(model: Any, words: list[str]) -> tuple[onnx.ModelProto, onnx.ModelProto, list[dict[str, np.ndarray]]]:
    frame, target = _frame()
    frame = frame[[*NUMBERS, *words]]
    prepare = prepared(NUMBER_STEPS["median, standard"](), WORD_STEPS["one-hot"](), list(NUMBERS), words)
    pipeline = make_pipeline(prepare, model).fit(frame, target)
    columns = columns_of(pipeline, frame)
    exact = folded(pipeline, frame, columns, token=_TOKEN, name="exact")
    standard = to_onnx(pipeline, columns, token=_TOKEN, name="standard")
    rows = as_feeds(frame.head(_CALLS), columns, _TOKEN)
    return exact, standard, [{name: column[row : row + 1] for name, column in rows.items()} for row in range(_CALLS)]


@cache
def _frame() -> tuple[pd.DataFrame, pd.Series]:
    """The applications with five text columns of eight words each, on which the decision hangs, too."""
    random = np.random.default_rng(0)
    words = pd.DataFrame({name: random.integers(8, size=1989) for name in _TEXT_COLUMNS})
    target = decisions() ^ (words.sum(axis=1) % 3 == 0)
    return pd.concat([applications(), "word " + words.astype(str)], axis=1), target


def times_faster(
    exact: onnx.ModelProto, standard: onnx.ModelProto, feeds: Sequence[dict[str, np.ndarray]]
) -> tuple[float, float, float]:
    """By each one's best round, the rounds in turns: what else runs on the machine can only make a round slower."""
    sessions = [
        onnxruntime.InferenceSession(model.SerializeToString(), session_options(), providers=["CPUExecutionProvider"])
        for model in (exact, standard)
    ]
    outputs = ["probabilities", "label"] if len(exact.graph.output) > 1 else None
    best = [float("inf")] * 2
    for _ in range(_ROUNDS):
        for place, session in enumerate(sessions):
            began = time.perf_counter()
            for row in feeds:
                session.run(outputs, row)
            best[place] = min(best[place], (time.perf_counter() - began) / len(feeds) * 1e6)
    return best[1] / best[0], best[0], best[1]
