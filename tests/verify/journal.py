"""What an item has counted so far, on disk, one JSON object a line: a run that was killed goes on from there."""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from verify.lines import Line

__all__ = ["Journal"]

_PART = "part"


@dataclass(frozen=True)
class Journal:
    """Of one item; removed when the item is over, since its lines are kept then."""

    file: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def add(self, kind: str, **figures: Any) -> None:
        """Keep them."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self.file.open("a") as file:
            file.write("\n" + json.dumps({"kind": kind, **figures}) + "\n")  # the line before may be cut off

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All of this kind, in order. A line that was cut off when the run was killed counts for nothing."""
        if not self.file.exists():
            return []
        return [each for line in self.file.read_text().splitlines() if (each := _read(line)).get("kind") == kind]

    def part(self, name: str, lines: Iterator[Line]) -> Iterator[Line]:
        """The lines of a part: those of the run before if it was through with the part, else measured now."""
        known = next((each for each in self.of(_PART) if each["name"] == name), None)
        if known is not None:
            yield from (Line(**each) for each in known["lines"])
            return
        measured = list[Line]()
        for line in lines:
            measured.append(line)
            yield line
        self.add(_PART, name=name, lines=[asdict(line) for line in measured])

    def end(self) -> None:
        """Forget it."""
        self.file.unlink(missing_ok=True)


def _read(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return found
