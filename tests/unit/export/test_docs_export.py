"""The examples of docs/export.md, run as they are written, and the list of what converts, as the tables of the tests have it."""

import re
from pathlib import Path

import pytest

from support.conversions import page

_PAGE = Path(__file__).parents[3] / "docs" / "export.md"


def test_examples_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, str(_PAGE), "exec"), names)

    assert ["capped.onnx", "ratio.onnx"] == sorted(path.name for path in tmp_path.iterdir())


def test_list_of_what_converts_has_not_drifted() -> None:
    assert page() == _PAGE.with_name("conversions.md").read_text(), "run `make docs`"
