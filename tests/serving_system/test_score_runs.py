"""`bankmodel score` with processes of its own: order, memory, and what is left when it is ended in the middle."""

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from bankmodel_serving.engine import Engine
from support import tiny_models
from support.batch_rows import read_rows, write_rows
from support.batch_runs import children_of, is_alive, run_score, start_score, wait_until
from support.tiny_models import ModelFile

_ROWS = 20_000


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return tiny_models.save(tiny_models.dense(), tmp_path_factory.mktemp("dense") / "model.onnx")


@pytest.fixture(scope="module")
def table() -> pa.Table:
    values = np.random.default_rng(5).normal(size=(_ROWS, 4)).astype(np.float32)
    return pa.table({name: values[:, at] for at, name in enumerate("abcd")})


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_many_workers_keep_the_order_and_the_bits(kind: str, dense: ModelFile, table: pa.Table, tmp_path: Path) -> None:
    source, target = write_rows(tmp_path / f"in.{kind}", table), tmp_path / "out.parquet"
    ended = run_score(dense.path, "--in", source, "--out", target, "--workers", "4", "--batch-rows", "100")
    assert ended.code == 0, ended.said
    engine = Engine.load(str(dense.path))
    matrix = np.stack([column.to_numpy() for column in table.columns], axis=1)
    expected = np.concatenate([engine.run([matrix[at : at + 1]])[1] for at in range(0, _ROWS, 37)])
    found = read_rows(target)

    assert list(range(1, _ROWS + 1)) == found.column("row").to_pylist()
    assert expected[:, 1].tobytes() == found.column("probabilities_1").to_numpy()[::37].tobytes()


def test_ten_times_the_rows_need_hardly_more_memory(dense: ModelFile, tmp_path: Path) -> None:
    """The kept text of 2 million rows alone would be 200 MB."""
    few, many = (_peak_mib(rows, dense, tmp_path) for rows in (200_000, 2_000_000))

    assert many - few < 100


def _peak_mib(rows: int, model: ModelFile, folder: Path) -> float:
    source = folder / f"{rows}.parquet"
    columns = {name: np.zeros(rows, np.float32) for name in "abcd"}
    parquet.write_table(
        pa.table({**columns, "text": pa.array(["x" * 100]).take(pa.array(np.zeros(rows, int)))}), source
    )
    ended = run_score(model.path, "--in", source, "--out", folder / f"{rows}-out.parquet", "--keep", "text")
    assert ended.code == 0, ended.said
    return ended.peak_mib


@pytest.mark.parametrize(
    ("number", "code", "left"),
    [(signal.SIGTERM, 143, 1), (signal.SIGINT, 130, 1), (signal.SIGKILL, -9, 2)],
    ids=["SIGTERM", "SIGINT", "SIGKILL"],
)
def test_ended_in_the_middle_it_leaves_no_result_and_no_process(
    number: signal.Signals, code: int, left: int, dense: ModelFile, tmp_path: Path
) -> None:
    process, workers = _in_the_middle(dense, tmp_path)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert code == process.returncode, said
    assert not (tmp_path / "out.csv").exists()
    assert left >= len(list(tmp_path.iterdir()))  # killed at once, nobody can clear up: a hidden .partial stays
    assert wait_until(lambda: not any(is_alive(pid) for pid in workers))


def test_a_worker_that_is_killed_ends_the_run_with_a_reason(dense: ModelFile, tmp_path: Path) -> None:
    process, workers = _in_the_middle(dense, tmp_path)
    os.kill(workers[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)

    assert 1 == process.returncode, said
    assert "a scoring process ended, most likely for lack of memory; nothing was written" in " ".join(said.split())
    assert ["in.parquet"] == [path.name for path in tmp_path.iterdir()]


def _in_the_middle(model: ModelFile, folder: Path) -> "tuple[subprocess.Popen[str], list[int]]":
    """A run of minutes, and its workers, once it has written something."""
    rows = 1_000_000
    source = write_rows(folder / "in.parquet", pa.table({name: np.zeros(rows, np.float32) for name in "abcd"}))
    words = ["--in", source, "--out", folder / "out.csv", "--workers", "2", "--batch-rows", "16"]
    process = start_score(model.path, *words)
    has_begun = wait_until(lambda: any(path.stat().st_size > 1000 for path in folder.glob(".out.csv.[!j]*.partial")))
    assert has_begun, process.stderr.read() if process.stderr and process.poll() is not None else "it does not begin"
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children_of(process.pid)}
    return process, [pid for pid, command in commands.items() if "spawn_main" in command]


_TRAINING = ("sklearn", "pandas", "onnx", "skl2onnx", "onnxmltools", "scipy", "kopf", "kubernetes", "yaml")
_WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.split(".")[0])
sys.meta_path.insert(0, Absent())
"""


def test_it_needs_nothing_of_what_training_needs(dense: ModelFile, table: pa.Table, tmp_path: Path) -> None:
    source, target = write_rows(tmp_path / "in.parquet", table), tmp_path / "out.parquet"
    ended = run_score(
        dense.path, "--in", source, "--out", target, "--workers", "1", before=_WITHOUT.format(packages=_TRAINING)
    )

    assert (0, _ROWS) == (ended.code, read_rows(target).num_rows), ended.said


def test_without_pyarrow_it_says_what_to_install(dense: ModelFile, tmp_path: Path) -> None:
    words = ["--in", tmp_path / "in.parquet", "--out", tmp_path / "out.parquet"]
    ended = run_score(dense.path, *words, before=_WITHOUT.format(packages=("pyarrow",)))

    assert (2, "error: No module named 'pyarrow'; pip install 'bankmodel[batch]'\n") == (ended.code, ended.said)
