"""A test cluster is gone when it is gone: after a clean stop, a crash, and a start that was killed half-way."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.binaries import binary_folder
from cluster.node_config import PAUSE_IMAGE
from cluster.paths import cache_folder
from support.operator_process import eventually
from support.own_cluster import OwnCluster


@pytest.fixture
def one() -> Iterator[OwnCluster]:
    """A cluster that is not up yet; whatever the test does, it is stopped after it."""
    cluster = OwnCluster("broken")
    cluster.command("down")
    yield cluster
    cluster.command("down")


def _run_a_pod(one: OwnCluster) -> None:
    command = ["run", "sleeper", f"--image={PAUSE_IMAGE}", "--image-pull-policy=Never"]
    one.kubectl(*command)
    one.kubectl("wait", "--for=condition=Ready", "--timeout=45s", "pod/sleeper")


def test_down_leaves_nothing_of_a_cluster_with_pods(one: OwnCluster) -> None:
    one.command("up")
    _run_a_pod(one)
    seen = one.traces()
    one.command("down")

    assert {"mount", "cgroup", "process"} <= {trace.split()[0] for trace in seen}
    assert [] == one.traces()


def test_after_a_crash_up_starts_anew_and_down_leaves_nothing(one: OwnCluster) -> None:
    one.command("up")
    _run_a_pod(one)
    one.crash()
    said = one.command("up")

    assert "removing what is left of an earlier cluster" in said
    assert [] == one.kubectl.read("get", "pods", "-A")["items"]

    _run_a_pod(one)
    one.crash()
    one.command("down")

    assert [] == one.traces()
    assert "no cluster to stop" in one.command("down")


@pytest.mark.parametrize("component", ["etcd", "containerd", "kubelet"])
def test_a_start_killed_half_way_leaves_nothing_after_down(one: OwnCluster, component: str) -> None:
    starting = one.begin("up")
    eventually(lambda: component in one.started())
    starting.kill()
    starting.communicate(timeout=20)
    one.command("down")

    assert [] == one.traces()


def test_an_interrupted_start_says_what_to_do_and_up_works_after_it(one: OwnCluster) -> None:
    starting = one.begin("up")
    eventually(lambda: "apiserver" in one.started())
    starting.send_signal(signal.SIGTERM)
    said, _ = starting.communicate(timeout=20)

    assert 130 == starting.returncode
    assert "`make cluster-down` removes what was started" in said
    assert "the cluster is up" in one.command("up")


def test_a_component_that_ends_at_once_is_named_with_the_end_of_its_log(one: OwnCluster, tmp_path: Path) -> None:
    said = one.command("up", expected=1, env={"BANKMODEL_CACHE": str(_cache_with_a_bad_scheduler(tmp_path))})

    assert "scheduler ended right after its start" in said
    assert "the disk is full of eels" in said
    assert "scheduler.log" in said
    assert "`make cluster-down` removes what was started" in said


def _cache_with_a_bad_scheduler(folder: Path) -> Path:
    """The cache as it is, but for one program in it."""
    for module in (cache_folder() / "bin").iterdir():
        place = folder / "bin" / module.name
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(module)
    kubernetes = folder / "bin" / binary_folder("kubernetes").name
    real = kubernetes.resolve()
    kubernetes.unlink()
    kubernetes.mkdir()
    for program in real.iterdir():
        (kubernetes / program.name).symlink_to(program)
    (kubernetes / "kube-scheduler").unlink()
    (kubernetes / "kube-scheduler").write_text("#!/bin/sh\necho the disk is full of eels >&2\nexit 1\n")
    (kubernetes / "kube-scheduler").chmod(0o755)
    return folder
