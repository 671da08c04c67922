"""TLS on the real cluster: a Secret that comes late, an answer by the Service's name, a renewal under load."""

import base64
import time
from datetime import timedelta

from support.certificates import Authority, Issued
from system.mortgage import MODEL
from system.scene import Scene

_SECRET = "mortgage-tls"
_DAY = timedelta(days=1)


def test_a_model_waits_for_its_secret_answers_over_tls_and_takes_up_a_renewed_one(scene: Scene) -> None:
    authority, host = Authority(), f"{MODEL}.{scene.namespace}.svc"
    url = f"https://{host}/v2/models/{MODEL}/infer"
    caller = scene.caller(authority.certificate.decode())

    scene.apply(scene.manifest("1", serving={"replicas": 2, "tls": {"secretName": _SECRET}}))
    said = scene.stalls("CertificateInvalid")
    _put(scene, authority.issue(host))
    scene.eventually(lambda: _refreshed(scene, "Valid"), "the certificate is valid", deadline_s=150)
    live = scene.serves("1")
    answer = caller.first_answer(url)["answer"]
    over_grpc = caller.over_grpc(scene.grpc_address, is_secure=True)

    assert "tls.crt is not there" in said["message"]
    assert (url, "1") == (live["status"]["url"], answer["model_version"])
    assert ("1", answer["parameters"]["sha256"]) == (over_grpc["model_version"], over_grpc["sha256"])
    assert [443, 9000] == [port["port"] for port in scene.get("service")["spec"]["ports"]]

    with caller.load(url, rate=50, seconds=60) as load:
        _put(scene, authority.issue(host, valid=(-80 * _DAY, 10 * _DAY)))
        scene.eventually(lambda: _refreshed(scene, "ExpiresSoon"), "the renewed one is in use", deadline_s=90)
        summary = load.summary()

    assert ([], 3000) == (summary["examples"], summary["answered"])
    assert f"renew Secret {_SECRET}" in scene.condition("CertificateValid")["message"]
    assert [0, 0] == [each["restartCount"] for pod in scene.pods() for each in pod["status"]["containerStatuses"]]


def _put(scene: Scene, issued: Issued) -> None:
    data = {name: base64.b64encode(content).decode() for name, content in issued.secret().items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data}
    scene.apply({**secret, "metadata": {"name": _SECRET, "namespace": scene.namespace}})


def _refreshed(scene: Scene, reason: str) -> bool:
    """Whether the condition has this reason. An annotation makes the kubelet bring Secrets at once, and the operator look."""
    found = scene.condition("CertificateValid").get("reason")
    selector = f"serving.bankmodel.io/model={MODEL}"
    scene.kubectl("annotate", "pods", "-l", selector, "--overwrite", f"test/look={time.monotonic_ns()}")
    return found == reason
