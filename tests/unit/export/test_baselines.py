"""The histograms in the card: a bin per value where there are few, even bins where there are many, none without values."""

import numpy as np
import pytest

from bankmodel.baseline import count_numbers, count_words, quantile_edges
from bankmodel_serving.card import Histogram

_MANY = np.arange(1000.0)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        (np.array([0.0, 1.0, 1.0]), (0.0, 0.5, 1.0)),
        (np.array([3.0, 3.0]), (1.5, 4.5)),
        (np.array([0.0]), (-0.5, 0.5)),
        (np.array([np.nan, np.inf]), ()),
        (np.array([]), ()),
    ],
    ids=["a flag", "one value", "zero", "nothing finite", "nothing"],
)
def test_few_values_have_a_bin_each(values: np.ndarray, edges: tuple[float, ...]) -> None:
    assert edges == quantile_edges(values)


def test_many_values_are_spread_evenly() -> None:
    assert pytest.approx([100] * 10, abs=1) == list(count_numbers(_MANY, quantile_edges(_MANY)).counts)


def test_one_frequent_value_leaves_bins_for_the_others() -> None:
    values = np.concatenate([np.zeros(5000), _MANY])
    found = count_numbers(values, quantile_edges(values))

    assert 10 == len(found.counts)
    assert len(values) == sum(found.counts)


def test_values_beyond_the_edges_and_missing_ones_are_counted_apart() -> None:
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan])

    assert Histogram(edges=(0.0, 0.5, 1.0), counts=(1, 2), missing=1, outside=2) == count_numbers(
        values, (0.0, 0.5, 1.0)
    )


def test_rare_words_are_outside() -> None:
    words = np.array([f"word {index:02}" for index in range(25)] + ["often"] * 3 + ["absent"], dtype=object)
    found = count_words(words, "absent")

    assert ("often", 3) == (found.categories[0], found.counts[0])
    assert (20, 1, 6) == (len(found.categories), found.missing, found.outside)
