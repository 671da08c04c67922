"""The command line itself: what it takes, and where it looks for the cluster."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bankmodel_operator.plugin.cli import run
from bankmodel_operator.plugin.connection import connect

_COMMAND = (sys.executable, "-m", "bankmodel_operator.plugin")


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """Two contexts; the current one names no namespace."""
    contexts = [
        {"name": "here", "context": {"cluster": "c", "user": "u"}},
        {"name": "there", "context": {"cluster": "c", "user": "u", "namespace": "lending"}},
    ]
    clusters = [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}]
    users = [{"name": "u", "user": {"token": "t"}}]
    file = tmp_path / "config"
    whole = {"contexts": contexts, "current-context": "here", "clusters": clusters, "users": users}
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **whole}))
    return str(file)


@pytest.mark.parametrize(
    ("context", "namespace", "found"),
    [(None, None, "default"), ("there", None, "lending"), ("there", "risk", "risk")],
    ids=["none", "context", "option"],
)
def test_the_namespace_is_found_as_kubectl_finds_it(
    context: str | None, namespace: str | None, found: str, *, kubeconfig: str
) -> None:
    assert found == connect(kubeconfig, context, namespace).namespace


def test_an_api_server_that_does_not_answer_is_one_line(kubeconfig: str) -> None:
    words = ("rollout", "status", "mortgage-approval", "--kubeconfig", kubeconfig)
    done = subprocess.run([*_COMMAND, *words], capture_output=True, text=True, timeout=60, check=False)

    assert 1 == done.returncode
    assert done.stderr.startswith("error: the API server does not answer: ")
    assert 1 == len(done.stderr.splitlines())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--version",), 0),
        (("--help",), 0),
        (("rollout", "status", "--help"), 0),
        (("rollout", "status"), 64),
        (("rollout", "dance", "mortgage-approval"), 64),
        (("rollout", "status", "mortgage-approval", "--timeout", "soon"), 64),
    ],
    ids=["version", "help", "help-of-a-command", "no-name", "no-such-command", "no-duration"],
)
def test_a_wrong_command_is_told_from_a_timeout(
    words: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["kubectl-bankmodel", *words])

    with pytest.raises(SystemExit) as ended:
        run()

    assert code == ended.value.code


def test_it_brings_no_operator_with_it() -> None:
    """Neither kopf nor an event loop on somebody's laptop."""
    asked = "import sys, bankmodel_operator.plugin.cli; print({'kopf', 'aiohttp', 'kubernetes'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)

    assert "set()\n" == done.stdout
