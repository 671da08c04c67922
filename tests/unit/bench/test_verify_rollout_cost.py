"""How rounds are compared: pair by pair, with what the machine's unrest makes of them beside it."""

import pytest

from verify.rollout_cost import ratio


def test_what_slows_a_whole_round_down_drops_out() -> None:
    found = ratio([97.0, 48.5, 9.7], [100.0, 50.0, 10.0])

    assert (0.97, 0.97, 0.97) == pytest.approx((found.middle, found.low, found.high))


def test_the_middle_half_of_the_rounds_stands_beside_the_median() -> None:
    found = ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5)

    assert (3.0, 2.0, 4.0) == (found.middle, found.low, found.high)


def test_one_round_is_all_there_is() -> None:
    assert "0.500 to 0.500" == str(ratio([1.0], [2.0]))
