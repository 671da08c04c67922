"""Items 5 and 7 of `make verify-export`: linear models and scorecards beside their pipelines; speed beside the standard conversion."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pandas as pd

from bankmodel.errors import ConversionError
from bankmodel.exporting.additive import added_up
from bankmodel.exporting.convert import to_onnx
from bankmodel.exporting.schema import Column, as_feeds, as_original, columns_of
from bankmodel.running import Runner
from support.exact_linear import SHARE, TOKEN, Counted, counted
from support.exact_pairs import Pair
from support.hard_rows import hard_rows
from support.linear_pairs import CARD_PAIRS, LINEAR_PAIRS
from verify.export_speed import times_faster
from verify.lines import Line, at_least, exactly

__all__ = ["count_linear", "item_5", "item_7"]

_ROWS = 100_000
_CALLS = 200
_CARD_CUTOFF = 0.85
_SPEED = (
    *("median, standard > logistic", "one-hot > logistic", "median, power > logistic", "standard > logistic, lasso"),
    *("cancer: standard > logistic", "diabetes: standard > ridge"),
)


def item_5() -> Iterator[Line]:
    """Rows off by more than a millionth of the score, and flips, on the sample and 100,000 hard rows (BANKMODEL_HARD_ROWS)."""
    rows = int(os.environ.get("BANKMODEL_HARD_ROWS", str(_ROWS)))
    yield at_least("pairs of steps and linear model", len(LINEAR_PAIRS), 25)
    yield at_least("scorecards", len(CARD_PAIRS), 3)
    for pair in (*LINEAR_PAIRS, *CARD_PAIRS):
        exact, standard, points = count_linear(pair, rows)
        what = f"{pair.name} ({exact.rows:,} rows; standard: {standard})"
        yield exactly(what, str(exact).rpartition(",")[0], "0 off, 0 flips")
        if points is not None:
            yield exactly("  points that differ by more than a millionth", points, 0)


def item_7() -> Iterator[Line]:
    """One row, times in turns: how many times faster than the standard conversion."""
    for pair in LINEAR_PAIRS:
        if pair.name not in _SPEED:
            continue
        pipeline, frame = pair.make()
        columns = columns_of(pipeline, frame)
        exact = added_up(pipeline, frame, columns, token=TOKEN, name="exact")
        standard = to_onnx(pipeline, columns, token=TOKEN, name="standard")
        rows = as_feeds(frame.head(_CALLS), columns, TOKEN)
        feeds = [{name: column[row : row + 1] for name, column in rows.items()} for row in range(_CALLS)]
        times, ours, theirs = times_faster(exact, standard, feeds)
        yield at_least(f"{pair.name}: {ours:.1f} us, standard {theirs:.1f} us", round(times, 2), 1.0, "x")


def count_linear(pair: Pair, rows: int) -> tuple[Counted, Counted | str, int | None]:
    """The exact file's count, the standard one's or why there is none, and how many points differ (None: it has none)."""
    pipeline, frame = pair.make()
    columns = columns_of(pipeline, frame)
    exact = added_up(pipeline, frame, columns, token=TOKEN, name="exact")
    judged = pd.concat([frame, hard_rows(exact, frame, rows)], ignore_index=True)
    cutoff = _CARD_CUTOFF if pair in CARD_PAIRS else 0.5
    try:
        standard = to_onnx(pipeline, columns, token=TOKEN, name="standard")
        beside: Counted | str = counted(pipeline, standard, judged, columns, cutoff=cutoff)
    except ConversionError as refusal:  # or it does not run
        beside = f"none, {str(refusal)[:60]}"
    return counted(pipeline, exact, judged, columns, cutoff=cutoff), beside, _points(pipeline, exact, judged, columns)


def _points(pipeline: Any, model: onnx.ModelProto, rows: pd.DataFrame, columns: tuple[Column, ...]) -> int | None:
    card = getattr(pipeline.steps[0][1], "scorecard", None)
    if card is None:
        return None
    answered = Runner(model.SerializeToString()).run(as_feeds(rows, columns, TOKEN))["points"].reshape(-1)
    every = card.binning_process_.variable_names
    expected = card.score(as_original(pipeline, rows, columns, as_sent=True).reindex(columns=every))
    return int((~np.isclose(answered, expected, rtol=SHARE, atol=0)).sum())
