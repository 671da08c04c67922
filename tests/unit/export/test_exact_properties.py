"""Whatever monotone steps stand before whatever trees: folded and not, they agree on the floats beside every threshold.

`make verify-export` tries a hundred of these.
"""

import pytest

from support.random_trees import neighbours_off


@pytest.mark.parametrize("seed", range(100, 106))
def test_every_float_beside_a_threshold_goes_the_pipelines_way(seed: int) -> None:
    rows, off = neighbours_off(seed)

    assert rows > 100
    assert 0 == off
