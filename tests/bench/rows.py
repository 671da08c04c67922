"""The rows every contender scores: 512 different ones by a fixed seed, as onnxruntime's feeds and as the protocol's bodies.

Different ones, because a branch predictor that sees one row again and again learns the trees: 3.7 µs a call with one row,
8.1 µs with many. Called by everything in `bench`; needs neither scikit-learn nor a server.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pandas as pd

__all__ = ["ROTATION", "WIDTH", "applicants", "batches", "feeds_of", "matrix", "record_body", "v2_body"]

ROTATION = 512
WIDTH = 30
MISSING_WORD = "__missing__"  # what `bankmodel export` takes for missing text where the sample has no such word
_SEED = 20_261_124
_NUMBERS = tuple(f"amount_{i}" for i in range(10)) + tuple(f"count_{i}" for i in range(5))
_WORDS = {
    "region": ("north", "south", "east", "west"),
    "occupation": ("employed", "self-employed", "public service", "retired", "student"),
    "property": ("condominium", "single family", "two to four families"),
    "purpose": ("purchase", "refinance", "improvement"),
    "history": ("no slow payments", "one or two slow payments", "not enough history", "60 days late"),
}
_MISSING_SHARE = 0.1
Feeds = dict[str, np.ndarray]


def matrix(rows: int, seed: int = _SEED) -> np.ndarray:
    """Rows of the models with one dense FP32 matrix: 30 numbers of different scales, four decimals as callers have them."""
    random = np.random.default_rng(seed)
    scales = 10.0 ** (np.arange(WIDTH) % 4)
    return (random.normal(size=(rows, WIDTH)) * scales).round(4).astype(np.float32)


def applicants(rows: int, seed: int = _SEED) -> pd.DataFrame:
    """Rows of the scorecard: 20 named columns, 15 of numbers and 5 of words; in half of both a tenth is missing."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for index, name in enumerate(_NUMBERS):
        drawn = random.lognormal(3, 1, rows).round(2) if name.startswith("amount") else random.integers(0, 20, rows)
        columns[name] = np.where(random.random(rows) < _MISSING_SHARE * (index % 2), np.nan, drawn)
    for index, (name, choices) in enumerate(_WORDS.items()):
        words = random.choice(np.array(choices, dtype=object), rows)
        words[random.random(rows) < _MISSING_SHARE * (index % 2)] = None
        columns[name] = pd.Series(words.tolist(), dtype="object")  # else pandas makes it a text type of its own
    return pd.DataFrame(columns)


def feeds_of(rows: np.ndarray | pd.DataFrame) -> Feeds:
    """What `session.run` gets for these rows."""
    if isinstance(rows, np.ndarray):
        return {"X": rows}
    return {str(name): _column(rows[name]) for name in rows.columns}


def batches(feeds: Feeds, rows: int) -> list[Feeds]:
    """512 batches of ROWS rows: batch i starts at row i, so that no two are alike."""
    twice = {name: np.concatenate([array, array]) for name, array in feeds.items()}
    return [
        {name: np.ascontiguousarray(array[start : start + rows]) for name, array in twice.items()}
        for start in range(ROTATION)
    ]


def v2_body(feeds: Mapping[str, np.ndarray], outputs: Sequence[str] = ()) -> bytes:
    """One batch as a request of the Open Inference Protocol; a missing number is null."""
    inputs = [
        {
            "name": name,
            "shape": list(array.shape),
            "datatype": "BYTES" if array.dtype == object else "FP32",
            "data": _listed(array.reshape(-1)),
        }
        for name, array in feeds.items()
    ]
    return orjson.dumps({"inputs": inputs} | ({"outputs": [{"name": name} for name in outputs]} if outputs else {}))


def record_body(feeds: Mapping[str, np.ndarray]) -> bytes:
    """One batch as services without a protocol have it: `{"rows": [[…], …]}`, or a list of records where columns have names."""
    if list(feeds) == ["X"]:
        return orjson.dumps({"rows": [_listed(row) for row in feeds["X"]]})
    lists = {name: _listed(array.reshape(-1)) for name, array in feeds.items()}
    return orjson.dumps({"rows": [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]})


def _column(values: "pd.Series[Any]") -> np.ndarray:
    if values.dtype == object:
        return values.where(values.notna(), MISSING_WORD).to_numpy(dtype=object).reshape(-1, 1)
    return values.to_numpy(dtype=np.float32).reshape(-1, 1)


def _listed(array: np.ndarray) -> list[Any]:
    if array.dtype == object:
        return list(array)
    # Written as the shortest decimal that is this float32 again, not as the 17 digits of its double.
    return [None if np.isnan(number) else float(str(number)) for number in array]
