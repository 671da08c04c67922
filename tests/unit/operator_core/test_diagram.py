"""docs/rollout.md is what the table says."""

from __future__ import annotations

from pathlib import Path

from bankmodel_operator.core.diagram import rollout_markdown
from bankmodel_operator.core.states import MEANING, TRANSITIONS, Turn

PAGE = Path(__file__).parents[3] / "docs" / "rollout.md"


def test_the_page_is_printed_from_the_table() -> None:
    assert rollout_markdown() == PAGE.read_text(), "run `make docs`"


def test_every_turn_is_used_and_explained() -> None:
    assert set(Turn) == {turn for _, turn in TRANSITIONS}
    assert set(Turn) == set(MEANING)
