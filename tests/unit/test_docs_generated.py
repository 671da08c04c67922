"""Pages that are generated are what the code prints, and say so on their first line."""

from pathlib import Path

import pytest

from bankmodel_operator import generate
from bankmodel_operator.settings import Settings

_DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["rollout", "settings"])
def test_a_generated_page_has_not_drifted(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = generate.main([page])

    assert code == 0
    assert capsys.readouterr().out == (_DOCS / f"{page}.md").read_text(), "run `make docs`"


@pytest.mark.parametrize("page", ["rollout", "settings"])
def test_a_generated_page_says_so_first(page: str) -> None:
    assert (_DOCS / f"{page}.md").read_text().startswith("<!-- Generated from bankmodel_operator.")


def test_every_setting_is_described_with_default_and_range() -> None:
    rows = [line for line in (_DOCS / "settings.md").read_text().splitlines() if line.startswith("| `BANKMODEL_")]

    assert len(Settings.model_fields) == len(rows)
    assert [] == [row for row in rows if "None" in row or "| |" in row]


@pytest.mark.parametrize("arguments", [[], ["everything"], ["crd", "rollout"]], ids=["none", "unknown", "two"])
def test_what_cannot_be_printed_is_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = generate.main(arguments)
    said = capsys.readouterr()

    assert (2, "") == (code, said.out)
    assert "crd, rollout, settings" in said.err
