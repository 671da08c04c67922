"""Two test clusters on one machine: each its own pods, Services and DNS; and the commands by which people use them."""

import json
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cluster.node_config import PAUSE_IMAGE
from support.operator_process import eventually
from support.own_cluster import OwnCluster

_BUSYBOX = "/bin/busybox"
_EAST, _WEST = OwnCluster("pair-east"), OwnCluster("pair-west")
_BOTH = pytest.mark.parametrize("one", [_EAST, _WEST], ids=["east", "west"])


@pytest.fixture(scope="module", autouse=True)
def _two_clusters() -> Iterator[None]:
    both = (_EAST, _WEST)
    with ThreadPoolExecutor() as threads:
        try:
            list(threads.map(lambda one: one.command("up"), both))
            list(threads.map(_start_greeter, both))
            yield
        finally:
            list(threads.map(lambda one: one.command("down"), both))


def _start_greeter(one: OwnCluster) -> None:
    """A pod that says its cluster's name to whoever connects, and a Service before it."""
    one.kubectl("apply", "-f", "-", body={"apiVersion": "v1", "kind": "List", "items": [_pod(one.name), _SERVICE]})
    one.kubectl("wait", "--for=condition=Ready", "--timeout=45s", "pod/greeter")


def _pod(word: str) -> dict[str, Any]:
    listen = [_BUSYBOX, "nc", "-ll", "-p", "8080", "-e", _BUSYBOX, "echo", word]
    greeter = {"name": "greeter", "image": PAUSE_IMAGE, "imagePullPolicy": "Never", "command": listen}
    metadata = {"name": "greeter", "labels": {"app": "greeter"}}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [greeter]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


_SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "greeter"},
    "spec": {"selector": {"app": "greeter"}, "ports": [{"port": 80, "targetPort": 8080}]},
}


def _inside_the_pod(one: OwnCluster, *words: str) -> str:
    said: str = one.kubectl("exec", "greeter", "--", _BUSYBOX, *words, check=False).stdout
    return said.strip()


@_BOTH
def test_a_service_of_each_answers_by_name_with_its_own_pod(one: OwnCluster) -> None:
    eventually(lambda: _inside_the_pod(one, "nc", "-w", "2", "greeter.default.svc.cluster.local", "80") == one.name)


@_BOTH
def test_up_leaves_a_running_cluster_alone(one: OwnCluster) -> None:
    before = one.kubectl.read("get", "pod", "greeter")["metadata"]["uid"]

    assert "already up" in one.command("up")
    assert before == one.kubectl.read("get", "pod", "greeter")["metadata"]["uid"]


def test_nothing_in_a_cluster_reaches_beyond_the_machine() -> None:
    assert "" == _run("ip", "route", "show", "default").stdout


def test_the_wrappers_hand_on_words_exit_code_and_place(tmp_path: Path) -> None:
    done = _run("sh", "-c", 'pwd; printf "%s|" "$@"; exit 7', "sh", "two words", "*", "", "a'b", place=tmp_path)

    assert f"{tmp_path}\ntwo words|*||a'b|" == done.stdout
    assert 7 == done.returncode


def test_kubectl_works_from_any_folder_and_fails_as_kubectl_does(tmp_path: Path) -> None:
    path = "jsonpath={.status.nodeInfo.kubeletVersion} {.metadata.name}"
    node = _wrapper("kubectl", "get", "node", "node1", "-o", path, place=tmp_path)
    nothing = _wrapper("kubectl", "get", "pod", "no-such-pod", place=tmp_path)

    assert "v1.37.2 node1" == node.stdout
    assert 1 == nothing.returncode
    assert "NotFound" in nothing.stderr


def test_a_signal_to_the_wrapper_is_a_signal_to_the_command() -> None:
    command = "trap 'echo ended; exit 3' TERM; echo began; while :; do sleep 0.05; done"
    process = subprocess.Popen([_EAST.state.path / "run", "sh", "-c", command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert "began\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=20)

        assert "ended\n" == said
        assert 3 == process.returncode
    finally:
        process.kill()


def test_the_command_line_is_another_way_to_the_wrappers() -> None:
    said = _EAST.command("kubectl", "get", "node", "node1", "-o", "json")

    assert "node1" == json.loads(said)["metadata"]["name"]


def test_status_names_every_component_and_the_node() -> None:
    said = _WEST.command("status")

    assert 8 == said.count("running (")
    assert "node1" in said


def _run(*words: str, place: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return _wrapper("run", *words, place=place)


def _wrapper(name: str, *words: str, place: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [str(_EAST.state.path / name), *words]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)
