"""What the verifications stand on: works side by side, and figures that outlive a killed run."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from verify.journal import Journal
from verify.lines import Kept, exactly
from verify.side_by_side import side_by_side


def _count(most: int, *, breaks: bool = False) -> Iterator[int]:
    yield from range(most)
    if breaks:
        raise ValueError("broke")


def test_what_works_side_by_side_yield_is_all_told() -> None:
    assert [0, 0, 1, 1, 2] == sorted(side_by_side([partial(_count, 3), partial(_count, 2)], at_once=2))


def test_one_work_that_breaks_disturbs_no_other_and_is_told_at_the_end() -> None:
    found = list[int]()
    with pytest.raises(ValueError, match="broke"):
        found.extend(side_by_side([partial(_count, 1, breaks=True), partial(_count, 2)], at_once=1))

    assert [0, 0, 1] == found


def test_a_killed_run_is_gone_on_with_and_its_last_word_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "3.jsonl"
    Journal(file).add("turn", number=1)
    file.write_text(file.read_text() + '{"kind": "turn", "num')
    Journal(file).add("turn", number=2)

    assert [1, 2] == [each["number"] for each in Journal(file).of("turn")]


def test_a_part_that_was_measured_is_told_again_and_not_measured(tmp_path: Path) -> None:
    line = exactly("failed", 0, 0)
    list(Journal(tmp_path / "3.jsonl").part("shares", iter([line])))

    assert [line] == list(Journal(tmp_path / "3.jsonl").part("shares", iter([])))


def test_fresh_forgets_what_was_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "3.jsonl")
    journal.add("turn", number=1)
    Kept(tmp_path).forget()

    assert [] == journal.of("turn")
