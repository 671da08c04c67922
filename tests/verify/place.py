"""Where an item on an API server happens, and which write is struck there. Used by the items on crashes and on faults."""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["only", "own_namespace"]


def only(k: int) -> Callable[[int], bool]:
    """Chooses the k-th write, and no other."""
    return lambda number: number == k


@contextmanager
def own_namespace(kubectl: Callable[..., Any]) -> Iterator[tuple[str, Path]]:
    """A namespace and a folder for files, both gone afterwards."""
    name = f"verify-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield name, Path(folder)
    finally:
        kubectl("delete", "namespace", name, "--wait=false")
