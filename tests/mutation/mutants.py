"""The mutants of a module, made by cosmic-ray's operators in an environment of their own, and what is known of them."""

import hashlib
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Known", "Mutant", "digest", "mutants_of"]

_LISTING = Path(__file__).with_name("listing.py")
_DEADLINE_S = 900


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of a module. `code`: the whole file with it."""

    module: str
    line: int
    was: str
    becomes: str
    code: str

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.module}\n{self.code}".encode()).hexdigest()


def mutants_of(module: str, path: Path, python: Path) -> list[Mutant]:
    """`python`: the one that has cosmic-ray."""
    listed = subprocess.run(
        [python, _LISTING, path], check=True, capture_output=True, text=True, timeout=_DEADLINE_S
    ).stdout
    return [Mutant(module, **json.loads(line)) for line in listed.splitlines()]


class Known:
    """What was found before, so that a run goes on where it stopped: whoever was noticed stays so, since tests only get more;
    who survived did so for certain tests."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self._tests = dict(json.loads(line) for line in lines)

    def noticed(self, mutant: Mutant, tests: str) -> bool | None:
        """None: it has to be tried. `tests`: what names the tests as they are."""
        survived = self._tests.get(mutant.key)
        if survived is None:
            return None
        return True if not survived else (False if survived == tests else None)

    def note(self, mutant: Mutant, tests: str, *, is_noticed: bool) -> None:
        self._tests[mutant.key] = "" if is_noticed else tests
        with self._file.open("a") as file:
            file.write(json.dumps([mutant.key, self._tests[mutant.key]]) + "\n")


def digest(files: Iterable[Path]) -> str:
    """What names the tests as they are."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
