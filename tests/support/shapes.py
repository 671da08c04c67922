"""What a life of a model made, in a form in which two lives compare: without ids, times, addresses, fences."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["differences", "renamed", "shape"]

_VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp")
_VOLATILE_NOTES = ("deployment.kubernetes.io/", "serving.bankmodel.io/applied", "serving.bankmodel.io/fence")
_BAKED, _REJECTED = "serving.bankmodel.io/baked", "serving.bankmodel.io/rejected"


def shape(children: list[dict[str, Any]]) -> dict[str, Any]:
    """What was made, without what differs from one making to the next: ids, times, addresses, routing generations."""
    return {f"{child['kind']} {child['metadata']['name']}": _lasting(child) for child in children}


def _lasting(child: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in child["metadata"].items() if key not in _VOLATILE}
    metadata["annotations"] = {
        key: _note(key, value)
        for key, value in metadata.get("annotations", {}).items()
        if not key.startswith(_VOLATILE_NOTES)
    }
    metadata["ownerReferences"] = [
        {key: value for key, value in owner.items() if key != "uid"} for owner in metadata.get("ownerReferences", [])
    ]
    rest = {key: value for key, value in child.items() if key not in ("metadata", "status", "revision")}
    if "spec" in rest:
        rest["spec"] = {key: value for key, value in rest["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    if child["kind"] == "ConfigMap":
        rest["data"] = _table(json.loads(rest["data"].get("table.json", "{}")))
    return {"metadata": metadata, **rest}


def _note(key: str, value: str) -> Any:
    """A mark without its times."""
    if key == _BAKED:
        return "(a time)"
    return {**json.loads(value), "at": "(a time)"} if key == _REJECTED else value


def _table(table: dict[str, Any]) -> dict[str, Any]:
    """Who answers, without generation, addresses and the end of the grant. Evidence has nothing that lasts."""
    rest = {key: value for key, value in table.items() if key != "generation"}
    if "peers" in rest:
        rest["peers"] = sorted(rest["peers"])
    if "canary" in rest:
        rest["canary"] = {key: value for key, value in rest["canary"].items() if key != "notAfter"}
    return rest


def renamed(value: Any, name: str) -> Any:
    """The model's name replaced, so that the lives of two models compare."""
    if isinstance(value, dict):
        return {renamed(key, name): renamed(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, name) for item in value]
    return value.replace(name, "MODEL") if isinstance(value, str) else value


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """Where two shapes differ and how, a line each; empty when they are the same."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = sorted(expected.keys() | found.keys())
        return [line for key in keys for line in differences(expected.get(key), found.get(key), f"{where}/{key}")]
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for at, (one, other) in pairs for line in differences(one, other, f"{where}/{at}")]
    return [] if expected == found else [f"{where}: {_short(expected)} became {_short(found)}"]


def _short(value: Any) -> str:
    return json.dumps(value)[:200]
