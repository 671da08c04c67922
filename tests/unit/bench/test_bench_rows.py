"""The rows of the benchmark: different, repeatable, and the same for onnxruntime and for a caller."""

import json

import numpy as np
import pytest

from bench import rows
from bench.reference import all_rows


@pytest.mark.parametrize("model", ["boosting", "scorecard"])
def test_no_two_rows_are_alike(model: str) -> None:
    bodies = {rows.v2_body(feeds) for feeds in rows.batches(all_rows(model), 1)}

    assert rows.ROTATION == len(bodies)


def test_rows_are_the_same_in_every_run() -> None:
    assert rows.matrix(3).tobytes() == rows.matrix(3).tobytes()
    assert rows.v2_body(rows.feeds_of(rows.applicants(3))) == rows.v2_body(rows.feeds_of(rows.applicants(3)))


@pytest.mark.parametrize("model", ["boosting", "scorecard"])
@pytest.mark.parametrize("count", [1, 32])
def test_a_body_holds_the_very_numbers_of_the_feeds(model: str, count: int) -> None:
    feeds = rows.batches(all_rows(model), count)[500]
    sent = {each["name"]: each for each in json.loads(rows.v2_body(feeds))["inputs"]}

    for name, array in feeds.items():
        kind = object if sent[name]["datatype"] == "BYTES" else np.float32
        np.testing.assert_array_equal(array, np.array(sent[name]["data"], dtype=kind).reshape(sent[name]["shape"]))


def test_the_scorecard_lacks_some_numbers_and_some_words() -> None:
    feeds = all_rows("scorecard")
    lacks = {name for name, array in feeds.items() if _lacks(array)}

    assert 20 == len(feeds)
    assert {"amount_1", "occupation"} <= lacks
    assert not lacks & {"amount_0", "region"}


def _lacks(array: np.ndarray) -> bool:
    return bool((array == rows.MISSING_WORD).any() if array.dtype == object else np.isnan(array).any())
