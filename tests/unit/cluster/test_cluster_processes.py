"""Processes are known by id and start time, watched, and ended; commands by what they said last."""

import json
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.commands import run, succeeds
from cluster.errors import ClusterError, CommandFailed
from cluster.paths import StateFolder
from cluster.processes import Component, all_still_run, is_alive, read_records, start, stop, stop_all
from cluster.progress import wait_until
from cluster.wrappers import write_wrappers


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    """A state folder; what is started in it is stopped."""
    folder = StateFolder(tmp_path / "state")
    folder.make("node")
    yield folder
    stop_all(folder)


def _shell(name: str, script: str) -> Component:
    return Component(name, ("sh", "-c", script))


def _wait_for(state: StateFolder, name: str, text: str) -> None:
    log = state.logs / f"{name}.log"
    wait_until(lambda: text in log.read_text(), what=text, deadline_s=20, on_late=log.read_text)


def test_a_started_process_is_recorded_with_its_words_and_its_log(state: StateFolder) -> None:
    start(Component("greeter", ("sh", "-c", "echo $GREETING; exec sleep 60"), {"GREETING": "hello"}), state)
    _wait_for(state, "greeter", "hello")
    (record,) = read_records(state)

    assert "greeter" == record.name
    assert is_alive(record)


def test_all_are_stopped_those_in_order_first(state: StateFolder) -> None:
    for name in ("etcd", "kubelet", "proxy"):
        start(_shell(name, f"trap 'echo {name} >>order; exit' TERM; echo on; while :; do sleep 0.05; done"), state)
        _wait_for(state, name, "on")
    stop_all(state, in_order=("kubelet", "proxy", "etcd", "never-started"))

    assert ["kubelet", "proxy", "etcd"] == (state.path / "order").read_text().split()
    assert not any(is_alive(record) for record in read_records(state))


def test_a_process_that_has_only_the_id_of_ours_is_left_alone(state: StateFolder) -> None:
    start(_shell("mine", "exec sleep 60"), state)
    (record,) = read_records(state)
    stop([replace(record, started="1")])

    assert is_alive(record)


def test_stopping_what_has_ended_is_no_error(state: StateFolder) -> None:
    start(_shell("brief", "exit 0"), state)
    stop_all(state)
    stop_all(state)

    assert not any(is_alive(record) for record in read_records(state))


def test_a_half_written_record_counts_for_nothing(state: StateFolder) -> None:
    start(_shell("whole", "exec sleep 60"), state)
    (state.records / "half.json").write_text('{"name": "half", "pi')
    (state.records / "other.json").write_text(json.dumps({"name": "other"}))

    assert ["whole"] == [record.name for record in read_records(state)]


def test_whichever_process_ends_is_named_with_the_end_of_its_log(state: StateFolder) -> None:
    start(_shell("etcd", "exec sleep 60"), state)
    all_still_run(state)
    start(_shell("scheduler", "echo unknown flag: --colour; exit 1"), state)
    _wait_for(state, "scheduler", "colour")
    scheduler = next(record for record in read_records(state) if record.name == "scheduler")
    wait_until(lambda: not is_alive(scheduler), what="its end", deadline_s=20, on_late=str)

    with pytest.raises(ClusterError, match=r"^scheduler ended right after its start\n(.*\n)*.*unknown flag: --colour"):
        all_still_run(state)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sh", "-c", "echo the reason >&2; exit 4"], r"failed with exit code 4:\n  the reason"),
        (["sh", "-c", "echo on standard output; exit 1"], "on standard output"),
        (["no-such-command"], "no-such-command: not found; .*prerequisites"),
        (["sleep", "60"], "`sleep 60` did not end within 0 s"),
    ],
    ids=["standard error", "standard output", "absent", "late"],
)
def test_a_failed_command_is_one_message(words: list[str], message: str) -> None:
    with pytest.raises(CommandFailed, match=message):
        run(words, deadline_s=0.2 if words[0] == "sleep" else 20)

    assert not succeeds(words, deadline_s=0.2 if words[0] == "sleep" else 20)


def test_a_command_gets_our_environment_and_the_folders_of_root() -> None:
    said = run(["sh", "-c", 'echo "$PATH|$ADDED"'], env={"ADDED": "yes"})

    assert ":/usr/sbin:" in said
    assert said.endswith("|yes\n")


@pytest.mark.parametrize("words", [["two words"], ["a'b", '"', "$HOME", "*", ""], []], ids=["blank", "signs", "none"])
def test_the_wrappers_hand_on_their_words_after_the_prefix(tmp_path: Path, words: list[str]) -> None:
    state = StateFolder(tmp_path / "it's a state")
    state.make("node")
    echo = tmp_path / "kube ctl"
    echo.write_text('#!/bin/sh\nprintf "%s|" "$KUBECONFIG" "$@"\n')
    echo.chmod(0o755)
    write_wrappers(state, kubectl=str(echo), prefix=("env", "INSIDE=1"), needs_root=False)
    said = subprocess.run([state.path / "kubectl", *words], capture_output=True, text=True, check=True, timeout=20)
    script = 'printf "%s|" "$INSIDE" "$@"'
    ran = run([state.path / "run", "sh", "-c", script, "sh", *words])

    assert "|".join([str(state.kubeconfig), *words, ""]) == said.stdout
    assert "|".join(["1", *words, ""]) == ran
    assert shlex.quote(str(state.kubeconfig)) in (state.path / "run").read_text()
