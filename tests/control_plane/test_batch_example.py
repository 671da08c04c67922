"""examples/batch on a real API server: taken as it is, with no right but one, and it learns the digest that is stable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cluster.api_only import ApiOnlyCluster
from support.bankmodels import DIGEST, a_bankmodel
from support.kubectl import Kubectl

_EXAMPLE = Path(__file__).parents[2] / "examples" / "batch"
_NAME = "mortgage-overnight"


@pytest.fixture(scope="module")
def installed(api: ApiOnlyCluster, kubectl: Kubectl, module_namespace: str) -> str:
    """The example in a namespace of its own, and the model it asks about."""
    objects = list(yaml.safe_load_all(kubectl("kustomize", str(_EXAMPLE)).stdout))
    for each in objects:
        each["metadata"]["namespace"] = module_namespace
        for subject in each.get("subjects", ()):
            subject["namespace"] = module_namespace
        kubectl("create", "--validate=strict", "-f", "-", body=each)
    kubectl("create", "-f", "-", body=a_bankmodel(namespace=module_namespace))
    return module_namespace


def test_every_object_is_taken(installed: str, kubectl: Kubectl) -> None:
    found = kubectl("get", "cronjob,role,rolebinding,serviceaccount,configmap", "-n", installed, "-o", "name").stdout

    assert {f"cronjob.batch/{_NAME}", f"serviceaccount/{_NAME}"} <= set(found.split())


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("get bankmodels.serving.bankmodel.io/mortgage-approval", "yes"),
        ("get bankmodels.serving.bankmodel.io/other", "no"),
        ("list bankmodels.serving.bankmodel.io", "no"),
        ("update bankmodels.serving.bankmodel.io/mortgage-approval", "no"),
        ("get secrets", "no"),
        ("get pods", "no"),
    ],
)
def test_it_may_read_its_model_and_nothing_else(
    asked: str, answer: str, installed: str, api: ApiOnlyCluster, kubectl: Kubectl
) -> None:
    job = kubectl.acting_as(api.service_account_kubeconfig(installed, _NAME))

    assert answer == job("auth", "can-i", *asked.split(), "-n", installed, check=False).stdout.strip()


def test_it_learns_the_stable_digest_and_fails_while_there_is_none(
    installed: str, api: ApiOnlyCluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    too_early = _ask(api, installed, tmp_path)
    status = {"observedGeneration": 1, "stable": {"revision": "3f8a02c61d", "version": "2026.11", "sha256": DIGEST}}
    body = a_bankmodel(namespace=installed) | {"status": status}
    kubectl("replace", "--subresource=status", "-f", "-", body=body)
    in_time = _ask(api, installed, tmp_path)

    assert (1, True) == (too_early.returncode, "has no stable revision yet" in too_early.stderr)
    assert (0, DIGEST) == (in_time.returncode, (tmp_path / "sha256").read_text()), in_time.stderr


def _ask(api: ApiOnlyCluster, namespace: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """The script as the init container runs it."""
    (folder / "token").write_text(api.service_account_token(namespace, _NAME))
    (folder / "ca.crt").write_bytes(api.ca.read_bytes())
    host, _, port = api.url.removeprefix("https://").rpartition(":")
    place = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "CREDENTIALS": str(folder)}
    command = [
        sys.executable,
        str(_EXAMPLE / "stable_digest.py"),
        namespace,
        "mortgage-approval",
        str(folder / "sha256"),
    ]
    return subprocess.run(command, env={**os.environ, **place}, capture_output=True, text=True, timeout=60, check=False)
