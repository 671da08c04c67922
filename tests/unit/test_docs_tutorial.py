"""The tutorial's notebook is the tutorial. That its blocks run is tested in tests/serving_system/test_tutorial.py."""

import ast
import json

from support.tutorial import PAGE, blocks_of, notebook_of

_NOTEBOOK = PAGE.with_suffix(".ipynb")


def test_notebook_has_not_drifted() -> None:
    assert notebook_of(PAGE.read_text()) == _NOTEBOOK.read_text(), "run `make docs`"


def test_notebook_says_what_it_is_made_of() -> None:
    assert next(iter(json.loads(_NOTEBOOK.read_text())["metadata"].values())).startswith(f"from {PAGE.name}")


def test_no_block_is_lost() -> None:
    blocks = list(blocks_of(PAGE.read_text()))

    assert PAGE.read_text().count("\n```python\n") == sum(block.kind == "python" for block in blocks)
    assert PAGE.read_text().count("\n```shell\n") == sum(block.kind == "shell" for block in blocks)
    assert "kubectl apply" in blocks[-1].text


def test_every_python_block_is_python() -> None:
    for block in blocks_of(PAGE.read_text()):
        if block.kind == "python":
            ast.parse(block.text)
