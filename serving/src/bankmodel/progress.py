"""How long work reports where it is; the CLI draws it, a notebook or a test may ignore it."""

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called with what is being done and, where it can be counted, how much of it is done."""

    def __call__(self, doing: str, done: int = 0, total: int = 0) -> None: ...


def silent(doing: str, done: int = 0, total: int = 0) -> None:
    """Report nothing."""
