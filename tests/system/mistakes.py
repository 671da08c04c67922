"""What a user can get wrong, each as an update of a model that serves: the reason it must show, and words it must say.

Used by the end-to-end tests and by `make verify-operator`.
"""

import copy
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from system.files import SECRET, file_server, url_of, wrong_image
from system.scene import Scene

__all__ = ["MISTAKES", "Mistake", "Stage", "Told", "make_mistakes"]

_SMALL = {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}
_NOWHERE = "0" * 64
_DEADLINE_S = 90.0
Spec = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """What the mistakes need: where the files are, and the image that holds no model."""

    scene: Scene
    wrong_image: str
    wrong_sha256: str

    def http(self, path: str, *, port: int = 8000, **more: Any) -> dict[str, Any]:
        """An http source."""
        return {"http": {"url": url_of(self.scene, path, port=port), **more}}


@dataclass(frozen=True)
class Mistake:
    """`change` turns the spec of version 2 into the wrong one; `says` must be part of the message."""

    reason: str
    says: str
    change: Callable[[Spec, Stage], None]


@dataclass(frozen=True)
class Told:
    """What the user was told, how soon (whole seconds), and whether the old revision went on."""

    reason: str
    message: str
    seconds: float
    is_available: bool
    still_serves: str


def _wrong_digest(spec: Spec, _stage: Stage) -> None:
    spec["model"]["sha256"] = _NOWHERE


def _wrong_digest_fetched(spec: Spec, stage: Stage) -> None:
    spec["model"] |= {"sha256": _NOWHERE, "source": stage.http("mortgage-2.onnx")}


def _unreachable(spec: Spec, stage: Stage) -> None:
    spec["model"]["source"] = stage.http("mortgage-2.onnx", port=8001)


def _not_found(spec: Spec, stage: Stage) -> None:
    spec["model"]["source"] = stage.http("mortgage-3.onnx")


def _denied(spec: Spec, stage: Stage) -> None:
    spec["model"]["source"] = stage.http("private/mortgage-2.onnx")


def _secret_missing(spec: Spec, stage: Stage) -> None:
    spec["model"]["source"] = stage.http("private/mortgage-2.onnx", secretRef={"name": f"{SECRET}-typo"})


def _unschedulable(spec: Spec, _stage: Stage) -> None:
    spec["serving"]["pod"] = {"nodeSelector": {"bank.example/zone": "none"}}


def _image_missing(spec: Spec, _stage: Stage) -> None:
    spec["serving"]["image"] = "localhost/bankmodel-serving:typo"


def _model_image_missing(spec: Spec, _stage: Stage) -> None:
    spec["model"]["source"] = {"image": {"reference": "localhost/mortgage:typo"}}


def _not_onnx(spec: Spec, stage: Stage) -> None:
    spec["model"] |= {"sha256": stage.wrong_sha256, "source": {"image": {"reference": stage.wrong_image}}}


def _out_of_memory(spec: Spec, _stage: Stage) -> None:
    spec["serving"]["resources"] = {"requests": {"cpu": "10m", "memory": "20Mi"}, "limits": {"memory": "20Mi"}}


def _claim_missing(spec: Spec, _stage: Stage) -> None:
    spec["model"]["source"] = {"volume": {"claimName": "models-typo", "path": "mortgage-2.onnx"}}


def _quota(spec: Spec, _stage: Stage) -> None:
    spec["serving"]["resources"] = {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "64Gi"}}


MISTAKES: Mapping[str, Mistake] = {
    "wrong-digest": Mistake("DigestMismatch", "sha256", _wrong_digest),
    "wrong-digest-fetched": Mistake("DigestMismatch", "sha256", _wrong_digest_fetched),
    "unreachable": Mistake("SourceUnreachable", "8001", _unreachable),
    "not-found": Mistake("SourceNotFound", "mortgage-3.onnx", _not_found),
    "denied": Mistake("SourceDenied", "401", _denied),
    "secret-missing": Mistake("ReferenceMissing", f"{SECRET}-typo", _secret_missing),
    "unschedulable": Mistake("Unschedulable", "nodeSelector", _unschedulable),
    "image-missing": Mistake("ImagePullFailed", "localhost/bankmodel-serving:typo", _image_missing),
    "model-image-missing": Mistake("ModelImagePullFailed", "localhost/mortgage:typo", _model_image_missing),
    "not-onnx": Mistake("ModelInvalid", "ONNX", _not_onnx),
    "out-of-memory": Mistake("OutOfMemory", "memory", _out_of_memory),
    "claim-missing": Mistake("VolumeMissing", "models-typo", _claim_missing),
    "quota": Mistake("QuotaExceeded", "ResourceQuota", _quota),
}


def make_mistakes(scene: Scene, folder: Path) -> dict[str, Told]:
    """Let each model serve version 1, then make its mistake in the update to version 2; what each was told."""
    stage = _set(scene, folder)
    good = {name: _model(scene, name) for name in MISTAKES}
    for body in good.values():
        scene.apply(body)
    for name in MISTAKES:
        scene.serves("1", name, deadline_s=_DEADLINE_S)
    made_at = {name: _make(stage, name, good[name]) for name in MISTAKES}
    for name in MISTAKES:
        scene.stalls(MISTAKES[name].reason, name, deadline_s=_DEADLINE_S)
    return {name: _told(scene, name, made_at[name]) for name in MISTAKES}


def _set(scene: Scene, folder: Path) -> Stage:
    file_server(scene, {"mortgage-2.onnx": scene.example.file("2").read_bytes()})
    reference, content = wrong_image(scene, folder)
    quota = {"hard": {"limits.memory": "32Gi"}}
    metadata = {"name": "memory"}
    scene.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": quota})
    return Stage(scene, reference, hashlib.sha256(content).hexdigest())


def _model(scene: Scene, name: str) -> dict[str, Any]:
    return scene.manifest("1", name=name, serving={"replicas": 1, "resources": _SMALL})


def _make(stage: Stage, name: str, good: Mapping[str, Any]) -> float:
    body = stage.scene.manifest("2", name=name, serving=copy.deepcopy(good["spec"]["serving"]))
    MISTAKES[name].change(body["spec"], stage)
    stage.scene.apply(body)
    return time.time()


def _told(scene: Scene, name: str, made_at: float) -> Told:
    condition = scene.condition("Stalled", name)
    available = scene.condition("Available", name)
    status = scene.get("bankmodel", name)["status"]
    return Told(
        condition["reason"],
        condition["message"],
        max(0.0, _event_time(scene, name, condition["reason"]) - made_at),
        available.get("status") == "True",
        status.get("stable", {}).get("version", ""),
    )


def _event_time(scene: Scene, name: str, reason: str) -> float:
    """When the operator first said so, by its event (whole seconds): how long we took to look does not count."""

    def look() -> list[str]:
        words = f"involvedObject.name={name},involvedObject.kind=BankModel,reason={reason}"
        events = json.loads(scene.kubectl("get", "events", "--field-selector", words, "-o", "json"))["items"]
        return [event["metadata"]["creationTimestamp"] for event in events]

    first = min(scene.eventually(look, f"there is an event {reason} of {name}"))
    return datetime.fromisoformat(first).timestamp()
