"""Models that batch tests share, loaded once."""

import pytest

from support import tiny_models
from support.batch_rows import BatchModel
from support.command import Command


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> BatchModel:
    """Named columns: income may be missing, visits has a token, region is required."""
    path = tmp_path_factory.mktemp("batch") / "mixed.onnx"
    return BatchModel.of(tiny_models.save(tiny_models.mixed(), path, tiny_models.mixed_card()))


@pytest.fixture(scope="session")
def every_datatype(tmp_path_factory: pytest.TempPathFactory) -> BatchModel:
    path = tmp_path_factory.mktemp("batch") / "every.onnx"
    return BatchModel.of(tiny_models.save(tiny_models.every_datatype(), path))


@pytest.fixture(scope="session")
def dense(tmp_path_factory: pytest.TempPathFactory) -> BatchModel:
    """One matrix of four columns, without a card."""
    path = tmp_path_factory.mktemp("batch") / "dense.onnx"
    return BatchModel.of(tiny_models.save(tiny_models.dense(), path))


@pytest.fixture
def bankmodel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("COLUMNS", "100")
    return Command(monkeypatch, capsys)
