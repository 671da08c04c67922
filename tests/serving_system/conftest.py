"""Servers for others' clients, with the limits that they come with."""

from collections.abc import Iterator

import pytest

from support import tiny_models
from support.scoring_process import ScoringProcess


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringProcess]:
    """Version 2 of a model with named columns and a card."""
    path = tmp_path_factory.mktemp("mixed") / "model.onnx"
    model = tiny_models.save(tiny_models.mixed(), path, tiny_models.mixed_card())
    options = ("--model-version", "2", "--revision", "aaaaaaaaaa", "--max-rows", "200", "--grpc-port", "0")
    with ScoringProcess(model, *options) as server:
        yield server


@pytest.fixture(scope="session")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringProcess]:
    """A model that gives back one column of each datatype, in version 1."""
    model = tiny_models.save(tiny_models.every_datatype(), tmp_path_factory.mktemp("every") / "model.onnx")
    with ScoringProcess(model, "--model-version", "1") as server:
        yield server
