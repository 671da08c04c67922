"""Fitted pipelines and exported files that the tests of the export side share: made once, read by all."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # brings no types

from bankmodel.exporting.export import Exported, export
from support.command import Command
from support.fitted import applications, fitted
from support.mortgage_example import Example, run_example


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
        "def scaled_trees():\n    return fitted('voting', scaled=True)\n"
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
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return run_example(tmp_path_factory.mktemp("mortgage"))
