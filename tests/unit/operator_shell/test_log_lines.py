"""Log lines for machines and for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from bankmodel_operator.telemetry import logs


@pytest.fixture(autouse=True)
def root_logger_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip()


def test_a_json_line_carries_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    logging.getLogger("bankmodel").info("state", extra={"namespace": "lending", "model": "mortgage", "generation": 3})
    line = json.loads(written(capsys))

    assert {
        "message": "state",
        "level": "info",
        "namespace": "lending",
        "model": "mortgage",
        "generation": 3,
    }.items() <= line.items()


def test_an_exception_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    try:
        raise ValueError("surprise")
    except ValueError:
        logging.getLogger("bankmodel").exception("failed")

    assert "ValueError: surprise" in json.loads(written(capsys))["exception"]


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "text")
    logging.getLogger("bankmodel").warning("trying again", extra={"model": "mortgage"})

    assert written(capsys).endswith("WARNING trying again model=mortgage")


def test_kopfs_own_facts_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    logging.getLogger("kopf.objects").warning("handler failed", extra={"k8s_ref": {"secret": "value"}})

    assert "value" not in written(capsys)
