"""Put the page where it was asked for."""

from pathlib import Path

from bankmodel.errors import UsageError

__all__ = ["write_report"]


def write_report(path: Path, page: str) -> None:
    """Write it; UsageError where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"can't write {path}: {error.strerror}; give a --report in a directory you may write to"
        ) from error
