"""The API-only cluster of these tests: several side by side, what they show, and that nothing of them stays."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.api import ApiRefused, Connection
from cluster.api_only import FAKE_NODE, ApiOnlyCluster
from cluster.binaries import binary_folder
from cluster.errors import ClusterError
from cluster.paths import CHECKOUT, StateFolder, cache_folder
from cluster.processes import is_alive, read_records
from support.kubectl import Kubectl
from support.operator_process import eventually

_NAMESPACES = "/api/v1/namespaces"


@pytest.fixture(scope="module")
def second() -> Iterator[ApiOnlyCluster]:
    """One more beside the session's, without a node."""
    with ApiOnlyCluster() as cluster:
        yield cluster


def _names(connection: Connection, path: str) -> set[str]:
    return {item["metadata"]["name"] for item in connection.get(path)["items"]}


def _make_namespace(cluster: ApiOnlyCluster) -> str:
    name = f"test-{uuid.uuid4().hex[:10]}"
    cluster.admin.post(_NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def test_two_side_by_side_know_nothing_of_each_other(api: ApiOnlyCluster, second: ApiOnlyCluster) -> None:
    name = _make_namespace(second)

    assert name in _names(second.admin, _NAMESPACES)
    assert name not in _names(api.admin, _NAMESPACES)
    assert ({FAKE_NODE}, set()) == (_names(api.admin, "/api/v1/nodes"), _names(second.admin, "/api/v1/nodes"))


def test_the_audit_log_has_a_line_for_every_write(second: ApiOnlyCluster) -> None:
    name = _make_namespace(second)

    def written() -> list[tuple[str, str]]:
        events = (
            json.loads(line) for line in second.audit_log.read_text().splitlines(keepends=True) if line[-1] == "\n"
        )
        about = (event for event in events if event.get("objectRef", {}).get("name") == name)
        return [(event["verb"], event["user"]["username"]) for event in about if event["verb"] == "create"]

    assert [("create", "admin")] == eventually(written)


def test_a_restarted_api_server_has_its_address_and_what_was_in_it(second: ApiOnlyCluster) -> None:
    name, url = _make_namespace(second), second.url
    second.restart_apiserver()

    assert url == second.url
    assert name in _names(second.admin, _NAMESPACES)


def test_a_user_may_do_what_rbac_allows(second: ApiOnlyCluster) -> None:
    def may_read_secrets(kubeconfig: Path) -> bool:
        asked = Kubectl(Path(second.kubectl), kubeconfig)("auth", "can-i", "get", "secrets", "-A", check=False)
        return asked.returncode == 0

    assert not may_read_secrets(second.kubeconfig_for("clerk"))
    assert may_read_secrets(second.kubeconfig_for("head of it", groups=["system:masters"]))


def test_a_service_account_is_itself(second: ApiOnlyCluster) -> None:
    own = Connection(second.url, second.ca, second.service_account_token("default", "default"))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = own.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)

    assert "system:serviceaccount:default:default" == answer["status"]["userInfo"]["username"]
    with pytest.raises(ApiRefused, match=r"403: .*cannot list resource"):
        own.get("/api/v1/secrets")


def test_stop_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    cluster = ApiOnlyCluster(folder=tmp_path / "state").start()
    records = read_records(cluster.state)
    before = [record.name for record in records if is_alive(record)]
    cluster.stop()
    cluster.stop()

    assert ["apiserver", "controller-manager", "etcd"] == before
    assert [] == [record.name for record in records if is_alive(record)]
    assert not cluster.state.path.exists()


_TEST_RUN = """
import sys, pathlib
from cluster.api_only import ApiOnlyCluster
ApiOnlyCluster(folder=pathlib.Path(sys.argv[1])).start()
print("up", flush=True)
sys.stdin.read()
"""


def test_a_killed_test_run_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    command = [sys.executable, "-c", _TEST_RUN, str(state.path)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests")}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert "up\n" == process.stdout.readline()
        records = read_records(state)
        process.send_signal(signal.SIGKILL)

    assert 3 == len(records)
    eventually(lambda: not any(is_alive(record) for record in records) and not state.path.exists())


def test_a_component_that_ends_at_once_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cache_folder() / "bin").iterdir():
        place = tmp_path / "bin" / module.name
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(module)
    etcd = tmp_path / "bin" / binary_folder("etcd").name
    etcd.unlink()
    etcd.mkdir()
    (etcd / "etcd").write_text("#!/bin/sh\necho the disk is full of eels\nexit 1\n")
    (etcd / "etcd").chmod(0o755)
    monkeypatch.setenv("BANKMODEL_CACHE", str(tmp_path))

    with pytest.raises(ClusterError, match=r"etcd ended right after its start\n(.*\n)*.*the disk is full of eels"):
        ApiOnlyCluster(folder=tmp_path / "state").start()

    assert not (tmp_path / "state").exists()
