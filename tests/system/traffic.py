"""Load on a model while something happens to it. Used by the end-to-end tests and by `make verify-operator`."""

import time
from typing import Any

from system.mortgage import MODEL
from system.scene import Scene

__all__ = ["delete_a_pod_under_load", "update_under_load"]

_SETTLE_S = 2.0


def update_under_load(scene: Scene, *, rate: float, seconds: float) -> dict[str, Any]:
    """Version 1 to version 2 while requests come; what became of them (see load.py), and `update_s`."""
    caller = scene.answering()
    with caller.load(scene.url, rate=rate, seconds=seconds) as load:
        time.sleep(_SETTLE_S)
        began = time.monotonic()
        scene.apply(scene.manifest("2"))
        scene.serves("2")
        taken_s = time.monotonic() - began
        return load.summary() | {"update_s": round(taken_s, 1)}


def delete_a_pod_under_load(scene: Scene, *, rate: float, seconds: float) -> dict[str, Any]:
    """One of two pods is deleted while requests come; what became of them."""
    caller = scene.answering()
    with caller.load(scene.url, rate=rate, seconds=seconds) as load:
        time.sleep(_SETTLE_S)
        victim = scene.pods(MODEL)[0]["metadata"]["name"]
        scene.kubectl("delete", "pod", victim, "--wait=false")
        scene.eventually(lambda: _is_replaced(scene, victim), "the pod is replaced")
        return load.summary()


def _is_replaced(scene: Scene, victim: str) -> bool:
    pods = scene.pods(MODEL)
    ready = [pod for pod in pods if _is_ready(pod)]
    return len(ready) == len(pods) > 1 and victim not in {pod["metadata"]["name"] for pod in pods}


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
