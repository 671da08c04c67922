"""Each dependency has a line that says why it is there, and each line a dependency."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_ROWS = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", (_ROOT / "docs" / "dependencies.md").read_text(), re.M)


def test_every_dependency_is_on_the_page_once() -> None:
    assert sorted(set(_required())) == sorted(name for name, _, _ in _ROWS)


def test_every_dependency_has_a_reason() -> None:
    assert [] == [name for name, use, reason in _ROWS if len(use.strip()) < 5 or len(reason.strip()) < 10]


def _required() -> Iterator[str]:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    for requirement in (*project["project"]["dependencies"], *(each for part in (*extras, *groups) for each in part)):
        yield re.split(r"[\[<>=!~; ]", requirement)[0].lower()
