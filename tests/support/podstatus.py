"""Pod statuses as a kubelet writes them, for tests of what they mean."""

from __future__ import annotations

import json
from typing import Any

from bankmodel_operator.core import names

Object = dict[str, Any]


def a_pod(status: Object, *, name: str = "mortgage-abc-1", revision: str = "abc") -> Object:
    labels = {names.LABEL_MODEL: "mortgage", names.LABEL_REVISION: revision}
    return {"metadata": {"name": name, "uid": f"uid-{name}", "labels": labels}, "status": status}


def ready() -> Object:
    return {"conditions": [{"type": "Ready", "status": "True"}], **containers(serving(running=True) | {"ready": True})}


def containers(*statuses: Object, init: tuple[Object, ...] = ()) -> Object:
    return {"phase": "Running", "containerStatuses": list(statuses), "initContainerStatuses": list(init)}


def serving(*, running: bool = False, **state: Any) -> Object:
    return _container("serving", running=running, **state)


def fetch(*, running: bool = False, **state: Any) -> Object:
    return _container("fetch", running=running, **state)


def last_words(reason: str, message: str) -> Object:
    return {"exitCode": 1, "reason": "Error", "message": json.dumps({"reason": reason, "message": message})}


def unschedulable(message: str) -> Object:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [condition]}


def _container(
    name: str,
    *,
    running: bool,
    waiting: tuple[str, str] | None = None,
    terminated: Object | None = None,
    last: Object | None = None,
    restarts: int = 0,
) -> Object:
    state: Object = {"running": {}} if running else {}
    if waiting:
        state = {"waiting": {"reason": waiting[0], "message": waiting[1]}}
    if terminated:
        state = {"terminated": terminated}
    earlier = {"lastState": {"terminated": last}} if last else {}
    return {"name": name, "ready": False, "restartCount": restarts, "state": state, **earlier}
