"""One model from apply to delete, as a platform team sees it with kubectl, on real pods."""

from typing import Any

import numpy as np

from system.mortgage import MODEL
from system.scene import Scene

_KINDS = (
    "deployments,services,configmaps,poddisruptionbudgets,horizontalpodautoscalers,networkpolicies,controllerrevisions"
)
_OURS = f"serving.bankmodel.io/model={MODEL}"


def test_a_model_is_applied_scored_by_name_scaled_and_deleted(scene: Scene) -> None:
    caller = scene.caller()
    scene.apply(scene.manifest("1"))
    answer = caller.first_answer(scene.url)["answer"]
    over_grpc = caller.over_grpc(scene.grpc_address)
    live = scene.serves("1")

    assert (MODEL, "1") == (answer["model_name"], answer["model_version"])
    assert _values({each["name"]: each["data"] for each in answer["outputs"]}) == _values(over_grpc["outputs"])
    assert (answer["parameters"]["sha256"], "1") == (over_grpc["sha256"], over_grpc["model_version"])
    assert live["status"]["stable"]["revision"] == answer["parameters"]["revision"]
    assert live["spec"]["model"]["sha256"] == answer["parameters"]["sha256"]

    scene.kubectl("scale", "bankmodel", MODEL, "--replicas=3")
    scene.eventually(lambda: len(scene.pods()) == 3, "there are three pods")
    assert "condition met" in scene.kubectl("wait", "--for=condition=Ready", f"bm/{MODEL}", "--timeout=50s")

    scene.kubectl("delete", "bankmodel", MODEL)
    scene.eventually(lambda: not scene.items(_KINDS, _OURS) and not scene.pods(), "nothing of it is left")


def test_get_and_describe_show_what_a_person_asks_for(scene: Scene) -> None:
    scene.apply(scene.manifest("1", serving={"replicas": 1}))
    scene.serves("1")

    heading, row = scene.kubectl("get", "bm").splitlines()
    wide = scene.kubectl("get", "bm", "-o", "wide")
    told = scene.kubectl("describe", "bm", MODEL)

    assert ["NAME", "READY", "STATE", "REASON", "STABLE", "CANARY", "WEIGHT", "REPLICAS", "AGE"] == heading.split()
    assert [MODEL, "True", "Serving", "Serving", "1"] == row.split()[:5]
    assert all(word in wide for word in ("mortgage-risk", "High", scene.manifest("1")["spec"]["model"]["sha256"]))
    assert all(word in told for word in ("Lead Time", "Available", "Revision", "FirstSeen", "TargetReady"))


def test_a_suspended_model_serves_on_and_moves_no_more(scene: Scene) -> None:
    scene.apply(scene.manifest("1", serving={"replicas": 1}))
    scene.serves("1")

    scene.apply(scene.manifest("2", serving={"replicas": 1}, suspend=True))
    scene.eventually(lambda: _reason(scene) == "Suspended", "it says that it is suspended")

    assert "1" == scene.get("bankmodel")["status"]["stable"]["version"]
    assert 1 == len(scene.items("deployments"))

    scene.apply(scene.manifest("2", serving={"replicas": 1}, suspend=False))
    scene.serves("2")


def test_the_autoscaler_points_at_the_model_and_its_writes_take_effect(scene: Scene) -> None:
    scaling = {"minReplicas": 1, "maxReplicas": 3}
    scene.apply(scene.manifest("1", serving={"replicas": 1, "autoscaling": scaling}))
    scene.serves("1")

    target = scene.get("hpa")["spec"]["scaleTargetRef"]
    scene.kubectl("scale", "bankmodel", MODEL, "--replicas=2")

    assert ("BankModel", MODEL) == (target["kind"], target["name"])
    scene.eventually(lambda: len(scene.pods()) == 2, "there are two pods")
    scale = scene.kubectl("get", "--raw", _scale_path(scene))
    assert f"serving.bankmodel.io/model={MODEL}" in scale


def _values(outputs: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Numbers as the model has them: JSON writes the shortest text that means the same FP32."""
    return {
        name: [np.float32(value) if isinstance(value, float) else value for value in values]
        for name, values in outputs.items()
    }


def _reason(scene: Scene) -> str:
    return str(scene.condition("Ready").get("reason", ""))


def _scale_path(scene: Scene) -> str:
    return f"/apis/serving.bankmodel.io/v1alpha1/namespaces/{scene.namespace}/bankmodels/{MODEL}/scale"
