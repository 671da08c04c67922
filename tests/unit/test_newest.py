"""What `make newest` says of a run of pytest, and the table it makes of many."""

from pathlib import Path

import pytest

from newest.__main__ import LIBRARIES, report, summary_of

_LOCK = Path(__file__).parents[2] / "requirements" / "dev.lock"

_RUNS = {
    "all pass": ("....\n12 passed in 3.40s", "12 passed"),
    "some fail": (
        "E   TypeError: Expected an int, got a boolean\n\n2 failed, 10 passed in 3.40s",
        "**2 of 12 fail**: TypeError: Expected an int, got a boolean",
    ),
    "none is collected": ("1 error in 0.2s", "**1 of 1 fail**: see the log"),
    "pytest is broken": ("ImportError: no module", "did not run"),
    "nothing at all": ("", "did not run"),
}


@pytest.mark.parametrize(("output", "expected"), _RUNS.values(), ids=_RUNS)
def test_run_is_told_in_few_words(output: str, expected: str) -> None:
    assert expected == summary_of(output)


def test_table_has_a_row_for_each_library_and_one_for_all() -> None:
    table = report(
        {"onnx": "1.0", "protobuf": "6.0"},
        {"onnx": "1.0", "protobuf": "7.0"},
        {"protobuf": "**1 of 2 fail**: why", "all of them": "2 passed"},
    )

    assert [
        "| onnx | 1.0 | 1.0 | the same |",
        "| protobuf | 6.0 | 7.0 | **1 of 2 fail**: why |",
        "| all of them | | | 2 passed |",
    ] == table[2:]


def test_every_library_is_locked() -> None:
    locked = {line.partition("==")[0] for line in _LOCK.read_text().splitlines() if "==" in line}

    assert [] == [name for name in LIBRARIES if name not in locked]
