"""One leader at a time: a killed or stopped one is replaced, and one that froze and wakes late changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from cluster.api_only import ApiOnlyCluster
from support.leaders import stale_leader, takeover


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_leader_that_ends_is_replaced_and_two_never_lead(
    how: Literal["kill", "stop"], api: ApiOnlyCluster, namespace: str, tmp_path: Path
) -> None:
    seen = takeover(api, namespace, tmp_path, how, {})

    assert seen.looks > 0
    assert 0 == seen.double


def test_a_leader_that_wakes_after_its_successor_acted_changes_nothing(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, tmp_path: Path
) -> None:
    woken = stale_leader(api, kubectl, namespace, tmp_path)

    assert () == woken.changed
    assert 1 == woken.exit_code
