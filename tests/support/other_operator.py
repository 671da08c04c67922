"""An operator of another version: its own sources, copied, with a renderer that puts a mark on every pod."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["MARK", "marked_sources"]

MARK = "bank.example/renderer"
_SOURCES = Path(__file__).parents[2] / "operator" / "src"
_RENDERER = Path("bankmodel_operator") / "core" / "template.py"
_LABELS = "{**pod.labels, **labels}"
"""The one expression that makes a pod's labels."""


def marked_sources(folder: Path) -> Path:
    """A folder for PYTHONPATH under FOLDER."""
    sources = folder / "other-src"
    shutil.copytree(_SOURCES, sources)
    renderer = sources / _RENDERER
    text = renderer.read_text()
    assert _LABELS in text, f"{renderer} has no {_LABELS} any more: put the mark elsewhere"
    renderer.write_text(text.replace(_LABELS, f'{{"{MARK}": "other", **pod.labels, **labels}}', 1))
    return sources
