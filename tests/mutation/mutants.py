"""The mutants of a module, made by cosmic-ray's operators in an environment of their own, and what is known of them."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
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
    who survived did so for certain tests, and has to answer only to those that are new or changed since."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self._passed: dict[str, Mapping[str, str]] = dict(json.loads(line) for line in lines)

    def is_noticed(self, mutant: Mutant) -> bool:
        return self._passed.get(mutant.key) == {}

    def to_try(self, mutant: Mutant, tests: Mapping[str, str]) -> tuple[str, ...]:
        """The tests that it did not pass yet as they are; `tests`: each with its digest."""
        passed = self._passed.get(mutant.key)
        if passed == {}:
            return ()
        return tuple(name for name, now in tests.items() if (passed or {}).get(name) != now)

    def note(self, mutant: Mutant, tests: Mapping[str, str], *, is_noticed: bool) -> None:
        self._passed[mutant.key] = {} if is_noticed else tests
        with self._file.open("a") as file:
            file.write(json.dumps([mutant.key, self._passed[mutant.key]]) + "\n")


def digest(files: Iterable[Path]) -> str:
    """What names the files as they are."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
