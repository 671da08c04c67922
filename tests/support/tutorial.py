"""The tutorial's blocks: run in order as a reader runs them, and written as a notebook (`make docs`).

`python -m support.tutorial` prints the notebook. Blocks of Python and shell are run; text is for the reader alone.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "Block", "blocks_of", "notebook_of", "run_blocks"]

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "from-notebook-to-score.md"

_FENCED = re.compile(r"^```(python|shell)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_DEADLINE_S = 240.0

# One namespace for the Python blocks, a shell for each of the others, as a notebook has it
_READER = """
import json, subprocess, sys
space = {"__name__": "__main__"}
for kind, text in json.load(open(sys.argv[1])):
    print(f"--- {text.splitlines()[0]}", flush=True)
    if kind == "python":
        exec(compile(text, "<tutorial>", "exec"), space)
    else:
        subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True)
"""


@dataclass(frozen=True)
class Block:
    """A piece of the page: prose, Python or shell."""

    kind: str
    text: str


def blocks_of(page: str) -> Iterator[Block]:
    """The page from top to bottom; fenced text stays part of the prose."""
    end = 0
    for found in _FENCED.finditer(page):
        if prose := page[end : found.start()].strip():
            yield Block("prose", prose)
        yield Block(found[1], found[2])
        end = found.end()
    if prose := page[end:].strip():
        yield Block("prose", prose)


def notebook_of(page: str) -> str:
    """The page as a notebook without outputs; always the same bytes for the same page."""
    cells = [_cell(number, block) for number, block in enumerate(blocks_of(page))]
    metadata = {
        "generated": f"from {PAGE.name} by `make docs`; change that page instead",
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    document = {"metadata": metadata, "nbformat": 4, "nbformat_minor": 5, "cells": cells}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def run_blocks(page: str, folder: Path, environment: dict[str, str]) -> str:
    """Run the page's blocks in `folder`; what they printed. Raises where one fails or all together take too long."""
    chosen = [(block.kind, block.text) for block in blocks_of(page) if block.kind != "prose"]
    (folder / "blocks.json").write_text(json.dumps(chosen))
    reader = subprocess.Popen(
        [sys.executable, "-c", _READER, "blocks.json"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that what it started can be stopped with it
    )
    try:
        printed, _ = reader.communicate(timeout=_DEADLINE_S)
        assert reader.returncode == 0, printed[-3_000:]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(reader.pid, signal.SIGKILL)  # a server that says goodbye, or anything where a block failed
    return printed


def _cell(number: int, block: Block) -> dict[str, Any]:
    text = f"%%bash -e\n{block.text}" if block.kind == "shell" else block.text
    lines = text.strip("\n").splitlines(keepends=True)
    if block.kind == "prose":
        return {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": lines}
    code = {"cell_type": "code", "id": f"cell-{number}", "metadata": {}, "source": lines}
    return code | {"execution_count": None, "outputs": []}


if __name__ == "__main__":
    print(notebook_of(PAGE.read_text()), end="")
