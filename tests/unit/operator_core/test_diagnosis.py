"""Each way in which a pod can be stuck has a reason of its own and a sentence that says what to do."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from bankmodel_operator.core.conditions import Reason
from bankmodel_operator.core.diagnosis import diagnose, last_words as last_words_module
from bankmodel_operator.core.names import ObjectRef
from bankmodel_operator.core.observation import Refusal, Report
from bankmodel_operator.core.pods import see
from support.podstatus import a_pod, containers, fetch, last_words, ready, serving, unschedulable

MODEL_IMAGE = "registry.example/lending/mortgage:1"
DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "mortgage-abc"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "serving",
                        "image": "registry.example/serving:1",
                        "resources": {"limits": {"memory": "256Mi"}},
                    }
                ],
                "volumes": [{"name": "model", "image": {"reference": MODEL_IMAGE}}],
            }
        }
    },
}
BACK_OFF = ("CrashLoopBackOff", "back-off 40s restarting failed container")
OOM = {"exitCode": 137, "reason": "OOMKilled"}

CASES = {
    "digest differs": (
        containers(serving(waiting=BACK_OFF, last=last_words("DigestMismatch", "the file has 1b7e…, not 9f2c…"))),
        Reason.DIGEST_MISMATCH,
        "not 9f2c",
    ),
    "source unreachable, seen while the fetch runs again": (
        containers(init=(fetch(running=True, last=last_words("SourceUnreachable", "m.example: no address")),)),
        Reason.SOURCE_UNREACHABLE,
        "m.example",
    ),
    "source denied": (
        containers(init=(fetch(terminated=last_words("SourceDenied", "403 from m.example")),)),
        Reason.SOURCE_DENIED,
        "403",
    ),
    "source not found": (
        containers(init=(fetch(waiting=BACK_OFF, last=last_words("SourceNotFound", "404")),)),
        Reason.SOURCE_NOT_FOUND,
        "404",
    ),
    "not an ONNX file": (
        containers(serving(waiting=BACK_OFF, last=last_words("ModelInvalid", "not an ONNX file"))),
        Reason.MODEL_INVALID,
        "ONNX",
    ),
    "settings": (
        containers(serving(waiting=BACK_OFF, last=last_words("SettingsInvalid", "--max-rows is -1"))),
        Reason.SETTINGS_INVALID,
        "--max-rows",
    ),
    "out of memory, seen while waiting": (
        containers(serving(waiting=BACK_OFF, last=OOM, restarts=1)),
        Reason.OUT_OF_MEMORY,
        "limit of 256Mi",
    ),
    "out of memory, seen at once": (containers(serving(terminated=OOM)), Reason.OUT_OF_MEMORY, "limits.memory"),
    "no node fits": (
        unschedulable("0/3 nodes are available: 3 Insufficient cpu."),
        Reason.UNSCHEDULABLE,
        "3 Insufficient cpu",
    ),
    "claim missing": (
        unschedulable('persistentvolumeclaim "models" not found'),
        Reason.VOLUME_MISSING,
        'persistentvolumeclaim "models" not found',
    ),
    "claim unbound": (
        unschedulable("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
        Reason.VOLUME_MISSING,
        "Create or bind",
    ),
    "serving image": (
        containers(serving(waiting=("ErrImagePull", "registry.example/serving:1: not found"))),
        Reason.IMAGE_PULL_FAILED,
        "registry.example/serving:1",
    ),
    "serving image, backing off": (
        containers(serving(waiting=("ImagePullBackOff", 'Back-off pulling image "registry.example/serving:1"'))),
        Reason.IMAGE_PULL_FAILED,
        "spec.serving.image",
    ),
    "model image": (
        containers(serving(waiting=("ImagePullBackOff", f'Back-off pulling image "{MODEL_IMAGE}": ErrImagePull: 401'))),
        Reason.MODEL_IMAGE_PULL_FAILED,
        "cannot be pulled: 401",
    ),
    "secret missing": (
        containers(init=(fetch(waiting=("CreateContainerConfigError", 'secret "creds" not found')),)),
        Reason.REFERENCE_MISSING,
        'secret "creds" not found',
    ),
    "key missing": (
        containers(
            init=(fetch(waiting=("CreateContainerConfigError", "couldn't find key ca.crt in ConfigMap lending/ca")),)
        ),
        Reason.REFERENCE_MISSING,
        "ca.crt",
    ),
    "cannot start": (
        containers(serving(waiting=("CreateContainerError", "exec: bankmodel-serving: not found"))),
        Reason.CONTAINER_NOT_STARTED,
        "bankmodel-serving",
    ),
    "crashes without a word": (
        containers(serving(waiting=BACK_OFF, last={"exitCode": 139, "reason": "Error"}, restarts=3)),
        Reason.CRASH_LOOP,
        "exit code 139",
    ),
    "crashes, seen while it runs again": (
        containers(serving(running=True, last={"exitCode": 1, "reason": "Error", "message": "Traceback"}, restarts=2)),
        Reason.CRASH_LOOP,
        "Traceback",
    ),
}


@pytest.mark.parametrize(("status", "reason", "words"), CASES.values(), ids=CASES)
def test_a_stuck_pod_is_named_with_its_cause(status: dict[str, Any], reason: Reason, words: str) -> None:
    failure = diagnose([see(a_pod(status))], DEPLOYMENT)

    assert failure is not None
    assert reason == failure.reason
    assert words in failure.message
    assert "mortgage-abc-1" in failure.message


def test_a_pod_of_workers_that_needs_too_much_memory_may_do_with_fewer() -> None:
    deployment = deepcopy(DEPLOYMENT)
    deployment["spec"]["template"]["spec"]["containers"][0]["args"] = ["--workers", "4"]
    failure = diagnose([see(a_pod(containers(serving(terminated=OOM))))], deployment)

    assert failure is not None
    assert "or lower spec.serving.workers: each of them holds the model" in failure.message


FINE = {
    "ready": ready(),
    "starting": containers(serving(running=True)),
    "being created": containers(serving(waiting=("ContainerCreating", ""))),
    "waiting for init": containers(serving(waiting=("PodInitializing", "")), init=(fetch(running=True),)),
    "fetched": containers(serving(running=True), init=(fetch(terminated={"exitCode": 0, "reason": "Completed"}),)),
    "one crash is no loop": containers(serving(running=True, last={"exitCode": 1, "reason": "Error"}, restarts=1)),
    "not yet scheduled": {"phase": "Pending"},
}


@pytest.mark.parametrize("status", FINE.values(), ids=FINE)
def test_a_pod_on_its_way_is_no_failure(status: dict[str, Any]) -> None:
    assert diagnose([see(a_pod(status))], DEPLOYMENT) is None


def test_a_ready_pod_has_no_past() -> None:
    status = ready()
    status["containerStatuses"][0]["lastState"] = {"terminated": OOM}

    assert diagnose([see(a_pod(status))], DEPLOYMENT) is None


def test_a_probe_that_says_why_is_believed() -> None:
    report = Report(ready_reason="GoldenVectorsFailed", ready_message="vector 3: 0.71 instead of 0.64")

    failure = diagnose([see(a_pod(containers(serving(running=True))), report)], DEPLOYMENT)

    assert failure is not None
    assert failure.reason is Reason.GOLDEN_VECTORS_FAILED
    assert "0.71" in failure.message


def test_a_probe_with_a_passing_reason_is_no_failure() -> None:
    report = Report(ready_reason="Loading", ready_message="loading the model")

    assert diagnose([see(a_pod(containers(serving(running=True))), report)], DEPLOYMENT) is None


FORBIDDEN = 'pods "mortgage-abc-x7f" is forbidden: '
REFUSED = {
    "quota": (FORBIDDEN + "exceeded quota: small, requested: cpu=1", Reason.QUOTA_EXCEEDED),
    "pod security": (FORBIDDEN + 'violates PodSecurity "restricted"', Reason.PODS_REFUSED),
    "webhook": ('admission webhook "policy.example" denied the request', Reason.PODS_REFUSED),
    "service account": (
        FORBIDDEN + 'error looking up service account lending/robot: serviceaccount "robot" not found',
        Reason.REFERENCE_MISSING,
    ),
}


@pytest.mark.parametrize(("message", "reason"), REFUSED.values(), ids=REFUSED)
def test_pods_that_are_not_admitted_are_told_by_the_deployment(message: str, reason: Reason) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}

    failure = diagnose([], {**DEPLOYMENT, "status": {"conditions": [condition]}})

    assert failure is not None
    assert reason == failure.reason
    assert "x7f" not in failure.message  # the name of a pod that never was changes with every try


def test_a_refused_write_is_told() -> None:
    refusal = Refusal(ObjectRef("v1", "Service", "mortgage"), "exceeded quota: services")

    failure = diagnose([], None, [refusal])

    assert failure is not None
    assert failure.reason is Reason.QUOTA_EXCEEDED
    assert "Service mortgage" in failure.message


def test_the_same_trouble_is_told_in_the_same_words_while_the_back_off_grows() -> None:
    words = last_words("SourceDenied", "403")
    earlier = containers(serving(waiting=("CrashLoopBackOff", "back-off 10s restarting"), last=words, restarts=2))
    later = containers(serving(waiting=("CrashLoopBackOff", "back-off 40s restarting"), last=words, restarts=4))

    assert diagnose([see(a_pod(earlier))], DEPLOYMENT) == diagnose([see(a_pod(later))], DEPLOYMENT)


def test_what_others_say_is_cut() -> None:
    failure = diagnose([see(a_pod(unschedulable("x" * 5000)))], DEPLOYMENT)

    assert failure is not None
    assert len(failure.message) < 600


CONTAINER_REASONS = [str(reason) for reason in last_words_module.REMEDIES]


@pytest.mark.parametrize("reason", CONTAINER_REASONS)
def test_what_a_container_says_is_believed_in_its_last_words_and_in_its_probe(reason: str) -> None:
    ended = containers(serving(terminated=last_words(reason, "so it is")))
    report = Report(ready_reason=reason, ready_message="so it is")

    by_words = diagnose([see(a_pod(ended))], DEPLOYMENT)
    by_probe = diagnose([see(a_pod(containers(serving(running=True))), report)], DEPLOYMENT)

    assert by_words is not None
    assert reason == str(by_words.reason)
    assert by_words == by_probe


def test_two_digests_are_shown_in_full() -> None:
    message = f"/model/model.onnx has sha256 {'a' * 64}, the spec asks for {'b' * 64}; correct spec.model.sha256"

    failure = diagnose([see(a_pod(containers(serving(terminated=last_words("DigestMismatch", message)))))], DEPLOYMENT)

    assert failure is not None
    assert message in failure.message


NOT_OURS = {
    "no JSON": "Traceback (most recent call last): …",
    "JSON that is no object": "[1, 2]",
    "a reason containers may not give": '{"reason": "Serving", "message": "all is well"}',
    "no reason": '{"message": "bad"}',
    "a reason that is no text": '{"reason": ["DigestMismatch"]}',
}


@pytest.mark.parametrize("message", NOT_OURS.values(), ids=NOT_OURS)
def test_other_last_words_are_no_verdict(message: str) -> None:
    status = containers(serving(running=True, last={"exitCode": 1, "message": message}, restarts=1))

    assert diagnose([see(a_pod(status))], DEPLOYMENT) is None


def test_the_failure_that_explains_most_comes_first() -> None:
    pending = see(a_pod(unschedulable("0/1 nodes are available"), name="mortgage-abc-0"))
    refused = see(a_pod(containers(serving(terminated=last_words("ModelInvalid", "no ONNX file")))))

    failure = diagnose([pending, refused], DEPLOYMENT)

    assert failure is not None
    assert failure.reason is Reason.MODEL_INVALID
