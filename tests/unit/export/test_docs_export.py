"""The examples of docs/export.md, run as they are written, one after the other."""

import re
from pathlib import Path

import pytest

_PAGE = Path(__file__).parents[3] / "docs" / "export.md"


def test_examples_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, str(_PAGE), "exec"), names)

    assert ["capped.onnx", "ratio.onnx"] == sorted(path.name for path in tmp_path.iterdir())
