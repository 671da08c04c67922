"""Which requests form the next batch."""

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.batching import Batch, BatchLimits, Lane, next_batch

TEN = BatchLimits(max_rows=10, large_rows=8)
ALONE = BatchLimits(max_rows=10, large_rows=8, coalesce=False)


@pytest.mark.parametrize(
    ("waiting", "limits", "expected"),
    [
        pytest.param([1], TEN, Batch(1, 1, Lane.LOOP), id="one"),
        pytest.param([1, 2, 3], TEN, Batch(3, 6, Lane.LOOP), id="all that fit"),
        pytest.param([5, 5, 1], TEN, Batch(2, 10, Lane.LOOP), id="exactly full"),
        pytest.param([5, 6, 1], TEN, Batch(1, 5, Lane.LOOP), id="in order: a later one does not overtake"),
        pytest.param([9, 1], TEN, Batch(1, 9, Lane.WORKER), id="a large one leaves the loop alone"),
        pytest.param([1, 11], TEN, Batch(1, 1, Lane.LOOP), id="a large one behind waits for its turn"),
        pytest.param([1, 1], ALONE, Batch(1, 1, Lane.LOOP), id="rows that influence each other stay apart"),
        pytest.param([11, 1], ALONE, Batch(1, 11, Lane.WORKER), id="large and apart"),
    ],
)
def test_the_next_batch(waiting: list[int], limits: BatchLimits, expected: Batch) -> None:
    assert expected == next_batch(waiting, limits)


@given(st.lists(st.integers(1, 30), min_size=1), st.booleans())
def test_every_request_is_in_exactly_one_batch_and_large_ones_are_alone(sizes: list[int], coalesce: bool) -> None:
    limits = BatchLimits(max_rows=10, large_rows=8, coalesce=coalesce)
    waiting, seen = list(sizes), []
    while waiting:
        batch = next_batch(waiting, limits)
        taken, waiting = waiting[: batch.count], waiting[batch.count :]
        seen += taken

        assert batch.count >= 1
        assert batch.rows == sum(taken)
        assert (batch.lane is Lane.WORKER) == (taken[0] > 8)
        assert batch.count == 1 or (coalesce and batch.rows <= 10)

    assert sizes == seen
