"""A contender is all its processes: those that make a session of their own are paused, counted and stopped too."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cores import the_cores
from bench.errors import ContenderFailed
from bench.process import Server, StartPlan
from cluster.processes import start_time

_DEADLINE_S = 20.0
_WITH_WORKER = """
import pathlib, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(str(worker.pid))
time.sleep(60)
"""


def _eventually(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _DEADLINE_S
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_true()


def _server(folder: Path) -> Server:
    note = folder / "worker"
    plan = StartPlan([sys.executable, "-c", _WITH_WORKER, str(note)], lambda: note.exists() and bool(note.read_text()))
    return Server("busy", plan, folder / "log", [the_cores().server])


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_worker_in_a_session_of_its_own_is_counted_paused_and_stopped(tmp_path: Path) -> None:
    with _server(tmp_path) as server:
        worker = int((tmp_path / "worker").read_text())

        assert worker in server.pids
        assert _eventually(lambda: server.processor_s() > 0.05)
        server.pause()
        assert _eventually(lambda: _state(worker) == "T")
        server.resume()
        assert _eventually(lambda: _state(worker) != "T")
    assert _eventually(lambda: start_time(worker) is None)


def test_a_contender_that_ends_by_itself_is_refused_with_its_last_words(tmp_path: Path) -> None:
    plan = StartPlan([sys.executable, "-c", "raise SystemExit('no such model')"], lambda: False)

    with pytest.raises(ContenderFailed, match="no such model"), Server("ended", plan, tmp_path / "log", [0]):
        pass
