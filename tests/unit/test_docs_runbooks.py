"""Whoever reads a reason in `kubectl get bm` finds its section, and no section is about a reason that is gone."""

import re
from pathlib import Path

import pytest

from bankmodel_operator.core.certificate import ALARMING
from bankmodel_operator.core.conditions import STALLING
from bankmodel_operator.core.diagnosis.last_words import REMEDIES

_PAGE = (Path(__file__).parents[2] / "docs" / "runbooks.md").read_text()
_SECTIONS = dict(re.findall(r"^### (\w+)\n\n(.+?)(?=\n#|\Z)", _PAGE, flags=re.MULTILINE | re.DOTALL))


def test_every_reason_that_needs_somebody_has_a_section_and_no_other_has() -> None:
    assert {str(reason) for reason in (*STALLING, *ALARMING)} == set(_SECTIONS)


@pytest.mark.parametrize("reason", sorted(_SECTIONS))
def test_a_section_says_what_it_means_and_what_to_do(reason: str) -> None:
    assert len(_SECTIONS[reason].split(". ")) >= 2
    assert len(_SECTIONS[reason]) > 80


def test_what_a_container_can_say_stalls() -> None:
    assert set(REMEDIES) <= STALLING
