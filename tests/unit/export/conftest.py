"""Fitted pipelines and exported files that the tests of the export side share: made once, read by all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # brings no types

from bankmodel import cli
from bankmodel.exporting.export import Exported, export
from support.fitted import applications, fitted

_TRAIN = Path(__file__).parents[3] / "examples" / "mortgage" / "train.py"
_DEADLINE_S = 120.0


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


@dataclass(frozen=True)
class Example:
    """What `examples/mortgage/train.py` wrote and printed."""

    folder: Path
    printed: str


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small wait for their threads rather than compute: 17 s for one fit on two busy cores, 0.3 s with one."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def bankmodel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="session")
def sample(folder: Path) -> Path:
    """The applications as a CSV file."""
    path = folder / "sample.csv"
    applications().to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def script(folder: Path) -> Path:
    """A training script as a data scientist has it: one pipeline that converts exactly, one that does not."""
    path = folder / "train_here.py"
    path.write_text(
        "from support.fitted import fitted\n"
        "exact = fitted('logistic', scaled=True)\n"
        "def scaled_trees():\n    return fitted('histogram boosting', scaled=True)\n"
    )
    return path


@pytest.fixture(scope="session")
def exported(folder: Path) -> Exported:
    """The logistic pipeline as one file with its card."""
    return export(
        fitted("logistic", scaled=True),
        applications(),
        folder / "mortgage.onnx",
        name="mortgage-approval",
        version="2026.11",
        cutoff=0.7,
        trained_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


@pytest.fixture(scope="session")
def some_rows() -> pd.DataFrame:
    return applications().head(200)


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The mortgage example, run as its README says; a time in the environment must not change what it records."""
    folder = tmp_path_factory.mktemp("mortgage")
    done = subprocess.run(
        [sys.executable, str(_TRAIN), "--output", str(folder)],
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    return Example(folder, done.stdout)
