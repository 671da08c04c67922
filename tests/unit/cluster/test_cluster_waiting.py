"""Every wait has an end: it says what did not happen, shows the end of the right log, and a lock goes with its holder."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.binaries import ensure_binaries
from cluster.errors import CommandFailed, DeadlinePassed
from cluster.locks import exclusive
from cluster.paths import CHECKOUT
from cluster.progress import stage, tail, wait_until


def test_a_wait_that_ends_in_time_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter((False, True))
    wait_until(lambda: next(answers), what="x", deadline_s=30, on_late=lambda: "late")

    assert "" == capsys.readouterr().err


def test_a_wait_past_its_deadline_tells_what_and_shows_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("".join(f"line {number}\n" for number in range(1, 41)))

    with pytest.raises(DeadlinePassed) as late:
        wait_until(lambda: False, what="etcd ready", deadline_s=0, on_late=lambda: tail(log))

    assert "etcd ready did not happen within 0 s" in str(late.value)
    assert f"the end of {log}" in str(late.value)
    assert str(late.value).endswith("| line 40")
    assert "line 25\n" not in str(late.value)


def test_the_tail_of_no_log_says_that_there_is_none(tmp_path: Path) -> None:
    assert f"(no log at {tmp_path}/etcd.log)" in tail(tmp_path / "etcd.log")


def test_a_tail_survives_what_is_no_text(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_bytes(b"\xff\xfe broken\n" + b"x" * 10_000)

    assert "broken" in tail(log)
    assert len(tail(log)) < 1000


def test_a_stage_is_announced_and_timed(capsys: pytest.CaptureFixture[str]) -> None:
    with stage("cooking"):
        announced = capsys.readouterr().err

    assert "cluster: cooking ...\n" == announced
    assert capsys.readouterr().err.startswith("cluster: cooking: done in ")


def test_a_lock_that_is_free_is_taken_and_given_back_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with exclusive(tmp_path / "new" / "lock", what="a build", deadline_s=0):
            pass

    assert "" == capsys.readouterr().err


def test_a_lock_that_is_held_is_waited_for_with_an_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lock"

    with exclusive(file, what="a build", deadline_s=0), pytest.raises(DeadlinePassed, match="fuser -v"):
        with exclusive(file, what="a build", deadline_s=0):
            pass

    assert "waiting for a build to end" in capsys.readouterr().err


@contextmanager
def _holder(file: Path) -> Iterator["subprocess.Popen[str]"]:
    program = (
        "import sys, time, pathlib; from cluster.locks import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1]), what='x', deadline_s=9): print('held', flush=True); time.sleep(60)\n"
    )
    words = [sys.executable, "-c", program, str(file)]
    environment = {"PYTHONPATH": str(CHECKOUT / "tests")}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert "held\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_killed_holder_gives_its_lock_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _holder(tmp_path / "lock") as holder:
        holder.kill()
        holder.wait(timeout=20)
        with exclusive(tmp_path / "lock", what="a build", deadline_s=0):
            said = capsys.readouterr().err

    assert "" == said


def test_a_failed_build_shows_what_go_said_and_is_not_taken_for_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "cache" / "go-toolchain" / "bin" / "go"
    go.parent.mkdir(parents=True)
    go.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo go version go1.99 linux/amd64 || { echo no module; exit 1; }\n'
    )
    go.chmod(0o755)
    monkeypatch.setenv("BANKMODEL_CACHE", str(tmp_path / "cache"))

    for _ in range(2):
        with pytest.raises(CommandFailed, match=r"building etcd failed with exit code 1\n(.*\n)*.*no module"):
            ensure_binaries(["etcd"])
