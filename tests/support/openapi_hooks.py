"""What JSON schema can't say of a request, added to those that schemathesis makes. Loaded by it: SCHEMATHESIS_HOOKS.

A valid request to `tiny_models.mixed` names each input once, has as many values as its shape says and as many rows
everywhere, and holds the required input. Requests that are meant to be wrong are left as they are.
"""

from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

_VALUES: dict[str, Any] = {"income": 1.5, "visits": 2, "region": "north"}
_DATATYPES = {"income": "FP32", "visits": "INT64", "region": "BYTES"}
_REQUIRED = "region"
_FRAMING = "Inference-Header-Content-Length"


@schemathesis.hook
def before_call(context: HookContext, case: "Case[Any]", kwargs: dict[str, Any]) -> None:
    """Called for every request."""
    body: Any = case.body
    if (
        not case.path.endswith("/infer")
        or case.meta is None
        or case.meta.generation.mode is not GenerationMode.POSITIVE
    ):
        return
    if case.media_type != "application/json":  # binary tensors, which are tried elsewhere
        case.media_type, body = "application/json", {"inputs": []}
    case.headers.pop(_FRAMING, None)
    body["inputs"] = _completed(body["inputs"])
    if body.get("outputs"):
        body["outputs"] = list({output["name"]: output for output in body["outputs"]}.values())
    case.body = body


def _completed(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sent = {tensor["name"]: tensor for tensor in inputs}
    sent.setdefault(_REQUIRED, {"name": _REQUIRED, "datatype": _DATATYPES[_REQUIRED], "data": []})
    known = [tensor for name, tensor in sent.items() if name in _VALUES]
    for tensor in known:
        tensor["data"] = tensor["data"] or [_VALUES[tensor["name"]]]
    rows = min(len(tensor["data"]) for tensor in known)
    for tensor in known:
        tensor.update(data=tensor["data"][:rows], shape=[rows, 1])
    if "visits" in sent:
        sent["visits"]["data"] = [_whole(value) for value in sent["visits"]["data"]]
    return list(sent.values())


def _whole(value: Any) -> Any:
    """1.0 is an integer to JSON schema, and none to a server that never rounds to fit."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) else value
