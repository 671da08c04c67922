"""What the fuzzer found worth keeping, and every odd request of the table, again on each run."""

from pathlib import Path

import pytest

from fuzz.targets import TARGETS
from support.raw_requests import CASES

_CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus"
_FILES = sorted(path for path in _CORPUS.glob("*/*") if path.is_file())


def test_there_is_a_corpus_for_every_target() -> None:
    assert set(TARGETS) == {path.parent.name for path in _FILES}


@pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_it_holds_for_the_corpus(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("step", range(3))
def test_it_holds_for_the_table_of_odd_requests(step: int) -> None:
    for data, _ in CASES.values():
        TARGETS["edge"](bytes([step]) + data)
