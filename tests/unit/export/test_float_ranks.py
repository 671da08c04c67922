"""Floats as integers in the same order."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bankmodel.exporting.trees.floats import float_at, highest, lowest, rank_of

_WIDTHS = pytest.mark.parametrize("width", [32, 64])
Width = Literal[32, 64]


@_WIDTHS
@given(st.data())
def test_order_and_neighbours_are_those_of_the_floats(width: Width, data: st.DataObject) -> None:
    dtype = np.dtype(f"f{width // 8}")
    value = np.array([data.draw(st.floats(width=width, allow_nan=False, allow_infinity=False))], dtype)
    with np.errstate(over="ignore"):
        above = np.nextafter(value, dtype.type(np.inf))
    rank = rank_of(value)

    assert value.tolist() == float_at(rank, dtype).tolist()
    assert (above.tolist() == float_at(rank + 1, dtype).tolist()) or rank[0] == highest(dtype)


@_WIDTHS
def test_ends_are_the_largest_finite_floats(width: Width) -> None:
    dtype = np.dtype(f"f{width // 8}")
    ends = float_at(np.array([lowest(dtype), highest(dtype)]), dtype)

    assert [np.finfo(dtype).min, np.finfo(dtype).max] == ends.tolist()
