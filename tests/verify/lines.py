"""A line of a verification: what was measured, against which bar, and whether it was met. Kept on disk so that a run can resume."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Kept", "Line", "at_least", "at_most", "exactly", "table"]


@dataclass(frozen=True)
class Line:
    """`figure` as measured, `bar` as promised."""

    what: str
    figure: str
    bar: str
    is_ok: bool


def at_most(what: str, figure: float, bar: float, unit: str = "") -> Line:
    """Good when the figure is not above the bar."""
    return Line(what, f"{figure:g}{unit}", f"<= {bar:g}{unit}", figure <= bar)


def at_least(what: str, figure: float, bar: float, unit: str = "") -> Line:
    """Good when the figure is not below the bar."""
    return Line(what, f"{figure:g}{unit}", f">= {bar:g}{unit}", figure >= bar)


def exactly(what: str, figure: object, bar: object) -> Line:
    """Good when both are the same."""
    return Line(what, str(figure), str(bar), figure == bar)


@dataclass(frozen=True)
class Kept:
    """The lines of the items that were measured so far; one file an item."""

    folder: Path

    def read(self, item: str) -> list[Line] | None:
        """The item's lines, if all of them were good; else it is to be measured (again)."""
        file = self.folder / f"{item}.json"
        if not file.exists():
            return None
        lines = [Line(**each) for each in json.loads(file.read_text())]
        return lines if all(line.is_ok for line in lines) else None

    def write(self, item: str, lines: Iterable[Line]) -> None:
        """Keep them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{item}.json").write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")

    def forget(self) -> None:
        """Start over."""
        for file in (*self.folder.glob("*.json*"), *self.folder.glob("begun/*")):
            file.unlink()


def table(item: str, lines: Iterable[Line]) -> str:
    """One text line each: item, what, figure, bar, ok or SHORT."""
    return "\n".join(
        f"{item:<3} {line.what:<72} {line.figure:>22}  {line.bar:<22} {'ok' if line.is_ok else 'SHORT'}"
        for line in lines
    )
