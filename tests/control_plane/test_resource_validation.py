"""What the real API server takes and refuses, and what it says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.bankmodels import OTHER_DIGEST, a_bankmodel
from support.kubectl import Kubectl
from support.resource_cases import BOUNDS, RULES, TRANSITIONS, Refused

_SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
_ANY_NAMESPACE = "default"
"""For dry runs, which leave nothing behind."""
_S3 = {"bucket": "models", "key": "m.onnx"}
_VALID: dict[str, dict[str, Any]] = {
    "minimal": {},
    "http without credentials": {"model": {"source": {"image": None, "http": {"url": "http://models.lending/m.onnx"}}}},
    "http in full": {
        "model": {
            "source": {
                "image": None,
                "http": {
                    "url": "https://models.example:8443/a/m.onnx?version=1&mail=a@b",
                    "secretRef": {"name": "token"},
                    "caBundleRef": {"name": "bank-ca"},
                },
            }
        }
    },
    "s3 at Amazon": {"model": {"source": {"image": None, "s3": {**_S3, "region": "eu-central-1"}}}},
    "s3 inside": {"model": {"source": {"image": None, "s3": {**_S3, "endpoint": "http://s3.lending:9000"}}}},
    "volume": {"model": {"source": {"image": None, "volume": {"claimName": "models", "path": "a/b/m.onnx"}}}},
    "image by digest": {"model": {"source": {"image": {"reference": f"localhost:5000/m@sha256:{OTHER_DIGEST}"}}}},
    "nobody calls": {"serving": {"callers": []}},
    "everybody calls": {"serving": {"callers": [{"namespaceSelector": {}}]}},
    "replicas and autoscaling": {"serving": {"replicas": 3, "autoscaling": {"minReplicas": 2, "maxReplicas": 4}}},
    "request in other units than limit": {
        "serving": {"resources": {"requests": {"memory": "1024Mi"}, "limits": {"memory": "1Gi"}}}
    },
    "cpu as a number": {"serving": {"resources": {"requests": {"cpu": 1}, "limits": {"cpu": "1000m"}}}},
    "request alone": {"serving": {"resources": {"requests": {"memory": "4Gi"}}}},
    "an extended resource": {"serving": {"resources": {"limits": {"example.com/device": 1}}}},
    "short durations": {"rollout": {"progressDeadline": "90s"}},
    "compound durations": {"rollout": {"progressDeadline": "1h30m"}},
    "longest name": {},
}


@pytest.mark.parametrize("case", _VALID)
def test_is_taken(case: str, kubectl: Kubectl) -> None:
    name = "m" * 48 if case == "longest name" else "mortgage-approval"

    kubectl(
        "create", "--dry-run=server", "-f", "-", body=a_bankmodel(name=name, namespace=_ANY_NAMESPACE, **_VALID[case])
    )


@pytest.mark.parametrize("refused", [*RULES, *BOUNDS], ids=str)
def test_is_refused_with_a_message_that_helps(refused: Refused, kubectl: Kubectl) -> None:
    answer = kubectl("create", "--dry-run=server", "-f", "-", body=refused.body(_ANY_NAMESPACE), check=False)

    assert answer.returncode == 1
    assert refused.message in answer.stderr
    assert re.search(_field_pattern(refused.path), answer.stderr), answer.stderr


@pytest.mark.parametrize("refused", TRANSITIONS, ids=str)
def test_change_is_refused_with_a_message_that_helps(refused: Refused, kubectl: Kubectl, namespace: str) -> None:
    kubectl("apply", "--server-side", "-f", "-", body=a_bankmodel(namespace=namespace))

    answer = kubectl("apply", "--server-side", "-f", "-", body=refused.body(namespace), check=False)

    assert answer.returncode == 1
    assert refused.message in answer.stderr


def test_new_digest_with_new_version_is_taken(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "-f", "-", body=a_bankmodel(namespace=namespace))

    changed = a_bankmodel(namespace=namespace, model={"sha256": OTHER_DIGEST, "version": "2026.12"})

    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", body=changed)


def test_unknown_field_is_named(kubectl: Kubectl, namespace: str) -> None:
    answer = kubectl("create", "-f", "-", body=a_bankmodel(namespace=namespace, serving={"replica": 3}), check=False)

    assert answer.returncode == 1
    assert 'unknown field "spec.serving.replica"' in answer.stderr


@pytest.mark.parametrize("sample", ["minimal.yaml", "full.yaml"])
def test_sample_is_taken(sample: str, kubectl: Kubectl) -> None:
    body = yaml.safe_load((_SAMPLES / sample).read_text())
    body["metadata"]["namespace"] = _ANY_NAMESPACE

    kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", body=body)


def _field_pattern(path: str) -> str:
    """The API server names an item by its index and a map's value by its key."""
    return re.escape(path).replace(r"\[\]", r"\[\d+\]").replace(r"\{\}", r"\[\w+\]") or "Invalid value"
