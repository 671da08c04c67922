"""What the pages point at exists: other pages, files of the repository, and commands of the Makefile."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md")])
_NAMES = [str(page.relative_to(_ROOT)) for page in _PAGES]


@pytest.mark.parametrize("page", _PAGES, ids=_NAMES)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    inside = [target for target in targets if "://" not in target]

    assert [] == [target for target in inside if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", _PAGES, ids=_NAMES)
def test_every_command_of_make_exists(page: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(), re.M))
    used = set(re.findall(r"`make ([a-z-]+)", page.read_text()))

    assert used <= known


@pytest.mark.parametrize("page", _PAGES, ids=_NAMES)
def test_every_path_of_the_repository_that_is_named_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:operator|serving|tests|manifests|crds|docs|examples|requirements)/[\w./-]+)`", page.read_text()
    )

    assert [] == [path for path in named if not (_ROOT / path).exists()]


def test_every_decision_record_has_context_alternatives_and_consequences() -> None:
    records = sorted((_ROOT / "docs" / "adr").glob("*.md"))
    parts = ("Status: ", "## Context", "## Decision", "## Alternatives that lost", "## Consequences")

    numbers = [int(record.name[:4]) for record in records]

    assert list(range(1, len(records) + 1)) == numbers
    assert [] == [record.name for record in records if not all(part in record.read_text() for part in parts)]
