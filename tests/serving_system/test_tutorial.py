"""The tutorial as written, its blocks in their order, in an empty folder: from a fitted pipeline to a scored request."""

import os
import re
import socket
import sys
from pathlib import Path

import pytest
import yaml

from bankmodel import onnx_file
from support.tutorial import PAGE, run_blocks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was run; `printed.txt` has what it printed. Its two ports are free ones, all else is as written."""
    folder = tmp_path_factory.mktemp("tutorial")
    page = PAGE.read_text().replace("8080", _free_port()).replace("9090", _free_port())
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": beside, "OMP_NUM_THREADS": "1", "no_proxy": "127.0.0.1"}
    (folder / "printed.txt").write_text(run_blocks(page, folder, environment))
    return folder


def test_file_agrees_on_sample_and_hard_rows(folder: Path) -> None:
    printed = (folder / "printed.txt").read_text()

    assert "sample: 1,989 rows, 0 off, 0 decisions flipped" in printed
    assert "hard rows: 100,000 rows, 0 off" in printed


def test_served_score_is_the_pipeline_s(folder: Path) -> None:
    found = re.search(r"served (\S+), pipeline (\S+)", (folder / "printed.txt").read_text())
    assert found is not None

    assert found[2] == found[1]


def test_report_and_resource_name_the_file_s_digest(folder: Path) -> None:
    sha256 = onnx_file.sha256_of(folder / "mortgage.onnx")
    resource = yaml.safe_load((folder / "mortgage.yaml").read_text())

    assert f"sha256:{sha256}" in (folder / "mortgage.html").read_text()
    assert ("BankModel", sha256) == (resource["kind"], resource["spec"]["model"]["sha256"])


def _free_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])
