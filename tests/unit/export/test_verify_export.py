"""The short form of `make verify-export`: a few pairs of its matrix, and another runtime on a few rows."""

from pathlib import Path

import pytest

from support.exact_linear import Counted
from support.exact_pairs import PAIRS
from support.linear_pairs import LINEAR_PAIRS
from verify.export import EXPORT
from verify.export_linear import count_linear
from verify.export_matrix import Count, count_pair
from verify.export_speed import rows_apart

_SHORT = (
    "median, standard | one-hot > histogram boosting",
    "median | target > boosting",
    "three wines: median, standard > shallow forest",
)


def test_there_are_enough_pairs_of_different_names() -> None:
    assert len(PAIRS) >= 60
    assert len(PAIRS) == len({pair.name for pair in PAIRS})


@pytest.mark.parametrize("name", _SHORT)
def test_exact_file_is_off_in_no_row_and_flips_no_decision(name: str) -> None:
    exact, _ = count_pair(next(pair for pair in PAIRS if pair.name == name), 2_000)

    assert (0, 0) == (exact.off, exact.flips)


def test_count_sees_what_the_standard_conversion_changes() -> None:
    _, standard = count_pair(next(pair for pair in PAIRS if pair.name == _SHORT[0]), 2_000)

    assert isinstance(standard, Count)
    assert standard.off > 100
    assert standard.flips > 0


def test_linear_pair_is_off_in_no_row_where_the_standard_conversion_is() -> None:
    pair = next(pair for pair in LINEAR_PAIRS if pair.name == "median, bins > logistic")
    exact, standard, points = count_linear(pair, 2_000)

    assert (0, 0, None) == (exact.off, exact.flips, points)
    assert isinstance(standard, Counted)
    assert standard.off > 100


def test_another_runtime_answers_alike() -> None:
    assert 0 == rows_apart(next(pair for pair in PAIRS if pair.name == "median | ordinal > histogram boosting"), 50)


def test_every_item_is_described_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "verification.md").read_text().partition("## Export")[2]

    assert [] == [item for item in EXPORT if f"\n| {item} |" not in page]
