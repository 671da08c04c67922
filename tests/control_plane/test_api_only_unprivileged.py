"""The API-only cluster needs no root: here it is run by the machine's user `nobody`, if we are root ourselves."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.binaries import API_ONLY_MODULES, binary_folder
from cluster.paths import CHECKOUT

_NOBODY = 65534
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--no-new-privs")
# New enough, and able to start itself again.
_IS_FIT = (
    "import subprocess, sys; sys.exit(sys.version_info < (3, 11) or subprocess.run([sys.executable, '-V']).returncode)"
)

_TEST_RUN = """
import json, os, sys, pathlib
from cluster.api_only import ApiOnlyCluster
from cluster.processes import is_alive, read_records
with ApiOnlyCluster(kwok=True, folder=pathlib.Path("state").absolute()) as cluster:
    (node,) = cluster.admin.get("/api/v1/nodes")["items"]
    records = read_records(cluster.state)
    users = {os.stat(f"/proc/{record.pid}").st_uid for record in records}
    networks = {os.readlink(f"/proc/{record.pid}/ns/net") for record in records}
    seen = {
        "components": sorted(record.name for record in records if is_alive(record)),
        "are ours": users == {os.geteuid()},
        "in our network": networks == {os.readlink("/proc/self/ns/net")},
        "node": node["metadata"]["name"],
        "audited": "/api/v1/nodes" in cluster.audit_log.read_text(),
    }
print(json.dumps({**seen, "left": [r.name for r in records if is_alive(r)] + os.listdir()}))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of nobody's own, with the binaries and the code where nobody may read them."""
    folder = Path(tempfile.mkdtemp(prefix="bankmodel-nobody-"))
    shutil.copytree(CHECKOUT / "tests" / "cluster", folder / "tests" / "cluster")
    for module in API_ONLY_MODULES:
        source = binary_folder(module)
        shutil.copytree(source, folder / "cache" / "bin" / source.name, copy_function=_link_or_copy)
    (folder / "work").mkdir()
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder / "work", _NOBODY, _NOBODY)
    yield folder
    shutil.rmtree(folder)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _python(prefix: tuple[str, ...]) -> str:
    """A Python that nobody may run; the one of a root user's virtual environment often is not."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        tried = subprocess.run([*prefix, candidate, "-c", _IS_FIT], capture_output=True, timeout=20, check=False)
        if tried.returncode == 0:
            return candidate
    raise AssertionError("no Python 3.11 that the user nobody may run")


def test_it_runs_without_root_and_without_a_network_of_its_own(place: Path) -> None:
    prefix = _AS_NOBODY if os.geteuid() == 0 else ()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(place / "work"), "TMPDIR": str(place / "work")}
    environment |= {"PYTHONPATH": str(place / "tests"), "BANKMODEL_CACHE": str(place / "cache")}
    ran = subprocess.run(
        [*prefix, _python(prefix), "-B", "-c", _TEST_RUN],
        env=environment,
        cwd=place / "work",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert 0 == ran.returncode, ran.stderr
    assert {
        "components": ["apiserver", "controller-manager", "etcd", "kwok", "scheduler"],
        "are ours": True,
        "in our network": True,
        "node": "fake-node",
        "audited": True,
        "left": [],
    } == json.loads(ran.stdout)
