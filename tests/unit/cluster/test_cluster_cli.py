"""`python -m cluster`: what it understands, and how it refuses; and the clusters that are not ours, kind and current."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import current, kind
from cluster.__main__ import main
from cluster.errors import ClusterError, NotRunning, PrerequisiteMissing
from cluster.oci import write_archive
from cluster.paths import StateFolder, state_folder

_NAME = "unit-test-cli"
Program = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def _no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLUSTER", "BANKMODEL_CLUSTER_NAME", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def there() -> Iterator[StateFolder]:
    """A state folder as a kind cluster of this name leaves it."""
    state = state_folder(_NAME)
    state.make("kind")
    yield state
    state.remove()


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """An empty place for a cluster."""
    return StateFolder(tmp_path / "state")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a program on the PATH; it notes its words in `calls`, and before that does what the script says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/calls"\n{script}\n')
        (folder / name).chmod(0o755)

    return put


def _calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cluster", "docker", "status"], "CLUSTER=docker: use one of node, kind, current"),
        (["--name", "No Such", "status"], "cluster name 'No Such': use at most 16 lower-case letters"),
        (["--name", _NAME, "kubectl", "get", "pods"], "no cluster at .*: `make cluster-up` starts one"),
        (["--name", _NAME, "load", "model.tar"], "no cluster is running at .*: `make cluster-up` starts one"),
    ],
    ids=["kind of cluster", "name", "nothing to speak to", "nowhere to load to"],
)
def test_an_error_is_one_message_and_exit_code_1(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(words)
    said = capsys.readouterr().err

    assert 1 == code
    assert said.startswith("cluster: error: ")
    assert re.search(message, said)


@pytest.mark.parametrize("words", [[], ["fly"], ["load"], ["up", "--fast"]], ids=["none", "unknown", "half", "option"])
def test_a_command_line_that_is_not_understood_is_exit_code_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert 2 == ended.value.code
    assert "usage: python -m cluster" in capsys.readouterr().err


def test_help_names_every_command_and_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out

    words = ["up", "down", "status", "images", "load", "metrics", "kubectl", "run", "prerequisites", "binaries"]
    assert [] == [word for word in [*words, "CLUSTER", "BANKMODEL_CACHE"] if f" {word} " not in said]


def test_down_with_nothing_there_is_done_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--name", _NAME, "down"])
    assert "no cluster to stop" in capsys.readouterr().err


def test_a_cluster_of_another_kind_is_not_touched(there: StateFolder, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--name", _NAME, "--cluster", "current", "down"])

    assert 1 == code
    assert "is a cluster of the kind kind; `make cluster-down CLUSTER=kind` removes it" in capsys.readouterr().err
    assert there.path.exists()


def test_the_kind_that_is_there_needs_no_naming(
    there: StateFolder, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    program("kind", "")
    code = main(["--name", _NAME, "down"])

    assert 0 == code
    assert not there.path.exists()


def test_metrics_server_is_not_started_in_a_cluster_that_is_not_ours(
    there: StateFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(["--name", _NAME, "metrics"])
    assert "install it with its own manifest there" in capsys.readouterr().err


def test_a_kubeconfig_alone_never_chooses_the_current_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    program("kubectl", "echo production")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "production"))
    code = main(["--name", _NAME, "status"])

    assert 0 == code
    assert 8 == capsys.readouterr().out.count("stopped")
    assert not (tmp_path / "calls").exists()


def test_the_current_cluster_needs_kubectl(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(state.path))

    with pytest.raises(PrerequisiteMissing, match="CLUSTER=current needs kubectl"):
        current.up(state)


def test_the_current_cluster_needs_a_context(state: StateFolder, program: Program) -> None:
    program("kubectl", "echo 'error: current-context is not set' >&2; exit 1")

    with pytest.raises(ClusterError, match="no current context; `kubectl config use-context NAME` chooses one"):
        current.up(state)

    assert not state.path.exists()


def test_the_current_context_is_said_and_kept_where_a_later_switch_does_not_reach(
    state: StateFolder, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    program("kubectl", 'case "$2" in current-context) echo staging;; view) echo "the context alone";; esac')
    current.up(state)

    assert "using the current context staging" in capsys.readouterr().err
    assert "the context alone\n" == state.kubeconfig.read_text()
    assert 0o600 == state.kubeconfig.stat().st_mode & 0o777


def test_nothing_is_loaded_into_a_cluster_that_is_not_ours(state: StateFolder) -> None:
    with pytest.raises(ClusterError, match="push them to a registry"):
        current.build_images(state)
    with pytest.raises(ClusterError, match=r"model\.tar: .*push them to a registry"):
        current.load(state, Path("model.tar"))


def test_kind_names_all_that_it_lacks(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(state.path))

    with pytest.raises(PrerequisiteMissing, match="needs docker, kind, kubectl on the PATH"):
        kind.up(state)


def test_kind_makes_a_cluster_of_its_own_and_removes_only_that(
    state: StateFolder, program: Program, tmp_path: Path
) -> None:
    for name in ("docker", "kubectl"):
        program(name, "")
    program("kind", '[ "$2" = kubeconfig ] && echo "its kubeconfig"; exit 0')
    kind.up(state)
    kubeconfig = state.kubeconfig.read_text()
    kind.down(state)

    made, removed = f"create cluster --name {state.identity} --wait 180s", f"delete cluster --name {state.identity}"
    assert [f"kind {made}", f"kind {removed}"] == [call for call in _calls(tmp_path) if " cluster " in call]
    assert "its kubeconfig\n" == kubeconfig
    assert not state.path.exists()


def test_kind_brings_an_archive_to_its_node_under_its_digest(
    state: StateFolder, program: Program, tmp_path: Path
) -> None:
    archive = tmp_path / "model.tar"
    image = write_archive(archive, name="localhost/m:1", files={"/model.onnx": b"m"}, entrypoint=["/none"])
    state.make("kind")
    state.kubeconfig.write_text("there")
    program("kind", f"echo {state.identity}")
    program("docker", "")
    kind.load(state, archive)

    node = f"docker exec {state.identity}-control-plane ctr --namespace=k8s.io"
    assert [
        f"kind load image-archive --name {state.identity} {archive}",
        f"{node} images tag --force localhost/m:1 localhost/m@{image.digest}",
    ] == _calls(tmp_path)[1:]


def test_kind_without_its_cluster_says_how_to_make_it(state: StateFolder, program: Program) -> None:
    program("kind", "echo other-cluster")
    state.make("kind")
    state.kubeconfig.write_text("there")

    with pytest.raises(NotRunning, match="`make cluster-up CLUSTER=kind` makes one"):
        kind.status(state)
