"""What is counted for drift: every row once, in the card's own bins."""

from collections import deque
from collections.abc import Callable

import numpy as np
from hypothesis import given, strategies as st

from bankmodel_serving.card import Card, Score
from bankmodel_serving.observation import DEFAULT_EDGES, NumericTally, Observer, ScoreTally, TextTally, observer_for
from bankmodel_serving.tensors import KINDS, Array, TensorSpec, schema_of
from support import tiny_models

BY_NAME = {kind.datatype: kind for kind in KINDS}


def test_numeric_bins_are_closed_below_and_the_last_one_above() -> None:
    tally = NumericTally([0.0, 1.0, 2.0])
    tally.add(np.array([0.0, 0.5, 1.0, 2.0, -0.1, 2.1, np.nan], dtype=np.float32))

    assert ([2, 2], 1, 2) == (tally.counts, tally.missing, tally.outside)


def test_the_missing_token_of_whole_numbers_is_missing() -> None:
    tally = NumericTally([-5, 0, 5], missing_token=-1)
    tally.add(np.array([-1, -2, 3]))

    assert ([1, 1], 1, 0) == (tally.counts, tally.missing, tally.outside)


def test_texts_are_counted_by_category() -> None:
    tally = TextTally(["a", "b"], missing_token="?")
    tally.add(np.array([["a"], ["b"], ["a"], ["?"], ["z"]], dtype=object))

    assert ([2, 1], 1, 1) == (tally.counts, tally.missing, tally.outside)


def test_scores_come_from_the_class_the_card_names() -> None:
    tally = ScoreTally(0, 1, [0.0, 0.5, 1.0])
    tally.add(np.array([[0.8, 0.2], [0.1, 0.9], [0.5, 0.5], [2.0, -1.0], [-1.0, 2.0], [0.0, np.nan]]))

    assert [1, 2, 1, 1] == tally.counts


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32)))
def test_every_value_is_counted_exactly_once(values: list[float]) -> None:
    tally = NumericTally([-1.0, 0.0, 0.5, 10.0])
    tally.add(np.array(values, dtype=np.float32))

    assert len(values) == sum(tally.counts) + tally.missing + tally.outside


class _Later:
    """An event loop's call_soon, turned by hand."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], None]] = deque()

    def __call__(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def turn(self) -> None:
        self.calls.popleft()()


def _observer(later: _Later) -> Observer:
    columns = (("income", "FP32"), ("visits", "INT64"), ("region", "BYTES"))
    inputs = [TensorSpec(name, BY_NAME[datatype], (None, 1)) for name, datatype in columns]
    outputs = [TensorSpec("score", BY_NAME["FP32"], (None, 1)), TensorSpec("region_out", BY_NAME["BYTES"], (None, 1))]
    card = tiny_models.mixed_card()
    return observer_for(schema_of(inputs, outputs, card), card, later)


def test_counting_is_spread_over_turns_one_feature_each() -> None:
    later = _Later()
    observer = _observer(later)
    matrices: list[Array] = [
        np.ones((1, 300), np.float32),
        np.ones((1, 300), np.int64),
        np.full((1, 300), "north", object),
    ]
    observer.note(matrices, [np.full((300, 1), 15, np.float32), matrices[2]], 300)
    observer.fold()
    turns = 0
    while later.calls:
        later.turn()
        turns += 1

    assert 5 == turns  # two groups joined, their two features with a baseline, and the score
    assert ["income", "region"] == [name for name, _, _ in observer.features]
    assert [[300, 0], [300, 0]] == [tally.counts for _, _, tally in observer.features]
    assert observer.score is not None
    assert [0, 0, 300, 0, 0] == observer.score.counts


def test_answers_in_buffers_that_are_used_again_do_not_change_what_was_noted() -> None:
    later = _Later()
    observer = _observer(later)
    matrices: list[Array] = [np.ones((1, 1), np.float32), np.ones((1, 1), np.int64), np.full((1, 1), "north", object)]
    scores = np.full((1, 1), 15, np.float32)
    observer.note(matrices, [scores, matrices[2]], 1)
    scores[:] = 99
    observer.fold()
    while later.calls:
        later.turn()

    assert observer.score is not None
    assert [0, 0, 1, 0, 0] == observer.score.counts


def test_without_a_card_the_score_is_the_last_column_of_the_first_float_output() -> None:
    outputs = [TensorSpec("label", BY_NAME["INT64"], (None,)), TensorSpec("p", BY_NAME["FP32"], (None, 2))]
    observer = observer_for(schema_of([], outputs, None), None, _Later())
    assert observer.score is not None
    observer.score.add(np.array([[0.9, 0.12]]))

    assert (1, DEFAULT_EDGES) == (observer.score.output, observer.score.edges)
    assert 1 == observer.score.counts[3]  # above 0.10, at or below 0.15


def test_a_score_the_model_does_not_have_is_not_counted() -> None:
    outputs = [TensorSpec("p", BY_NAME["FP32"], (None, 2))]
    card = Card(score=Score(output="other"))

    assert observer_for(schema_of([], outputs, card), card, _Later()).score is None
