"""The command of docs/gitops.md that installs the health check for Argo CD, on a real API server."""

import re
import subprocess
from pathlib import Path

import pytest

from support.kubectl import Kubectl

pytestmark = pytest.mark.control_plane

_ROOT = Path(__file__).parents[2]
_KEY = "resource.customizations.health.serving.bankmodel.io_BankModel"


def test_the_documented_command_adds_one_key_and_leaves_the_others(kubectl: Kubectl, namespace: str) -> None:
    about = {"name": "argocd-cm", "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "argocd"}}
    there = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {"url": "https://argo.example"}}
    kubectl("apply", "-f", "-", body=there)

    subprocess.run(_documented(kubectl, namespace), shell=True, cwd=_ROOT, check=True, timeout=60)

    live = kubectl.read("get", "configmap", "argocd-cm", "-n", namespace)
    assert live["metadata"]["labels"] == about["labels"]
    assert live["data"] == {"url": "https://argo.example", _KEY: (_ROOT / "manifests/argocd/health.lua").read_text()}


def _documented(kubectl: Kubectl, namespace: str) -> str:
    """With the test's own namespace and API server."""
    page = (_ROOT / "docs" / "gitops.md").read_text()
    found = re.search(r"^    (kubectl create configmap argocd-cm.*?)\n\n", page, re.M | re.S)
    assert found is not None
    command = found[1].replace("-n argocd", f"-n {namespace}")
    return re.sub(r"\bkubectl (?=create|patch)", f"{kubectl.binary} --kubeconfig {kubectl.kubeconfig} ", command)
