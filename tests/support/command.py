"""`bankmodel` as a user types it, run in the test's own process. Used by unit and contract tests."""

import sys
from dataclasses import dataclass

import pytest

from bankmodel import cli

__all__ = ["Command", "Printed"]


@dataclass(frozen=True)
class Printed:
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """`bankmodel` as a user types it, run in this process."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: object) -> Printed:
        self.monkeypatch.setattr(sys, "argv", ["bankmodel", *map(str, words)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = self.capsys.readouterr()
        return Printed(int(stop.value.code or 0), printed.out, printed.err)
