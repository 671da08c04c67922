"""The load generator that spaces requests evenly, against a real server: it sends what was asked for and tells each status."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cores import the_cores
from bench.generator import pace
from bench.wire_http import V2_PATH
from verify.on_server import Stand, our_server


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    cores = the_cores()
    with our_server(tmp_path, cores, [cores.server]) as found:
        yield found


def test_paced_load_sends_what_was_asked_for_and_all_is_answered(stand: Stand) -> None:
    seen = stand.paced(50, connections=4, seconds=2)

    assert (100, 0, 0) == (seen.sent, seen.unsent, seen.broken)
    assert {"200": 100} == {code: each.count for code, each in seen.answers.items()}
    assert all(0 < each.p50_us <= each.p99_us <= each.max_us for each in seen.answers.values())


def test_paced_load_tells_answers_apart_by_status(stand: Stand) -> None:
    seen, _ = pace(stand.target, V2_PATH.replace("/m/", "/other/"), per_s=50, connections=2, seconds=1)

    assert {"404": 50} == {code: each.count for code, each in seen.answers.items()}
