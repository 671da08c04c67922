"""Servers that many tests share. Who needs other settings, or ends the server, starts one of its own."""

from collections.abc import Iterator

import pytest

from support import tiny_models
from support.scoring_process import ScoringProcess

_SMALL = ("--max-body", "20000", "--max-connections", "16", "--header-timeout", "0.3", "--request-timeout", "0.6")

_GRPC = ("--grpc-port", "0")


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringProcess]:
    """Version 2 of a model with named columns and a card, behind narrow limits."""
    path = tmp_path_factory.mktemp("mixed") / "model.onnx"
    model = tiny_models.save(tiny_models.mixed(), path, tiny_models.mixed_card())
    with ScoringProcess(model, *_SMALL, *_GRPC, "--model-version", "2", "--revision", "aaaaaaaaaa") as server:
        yield server


@pytest.fixture(scope="session")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringProcess]:
    """A model that takes one matrix, without version or card, as it comes."""
    model = tiny_models.save(tiny_models.dense(), tmp_path_factory.mktemp("dense") / "model.onnx")
    with ScoringProcess(model, *_GRPC) as server:
        yield server
