"""An OpenAPI 3.1 document of what this very server serves: its model's inputs by name, and every error. Pure.

Asked for at /openapi.json and made then. Held to the truth by schemathesis, in tests/serving_system.
"""

from collections.abc import Iterable
from typing import Any

from bankmodel_serving.json_schema import answer_schema, metadata_schema, request_schema
from bankmodel_serving.metrics import Identity
from bankmodel_serving.tensors import Schema

__all__ = ["openapi_document"]

Json = dict[str, Any]

_JSON = "application/json"
_BINARY = "application/octet-stream"
_ERRORS = {
    400: "Not what the protocol or the model asks for; sending it again changes nothing",
    408: "The request took too long to arrive",
    413: "The body is too large, as it came or inflated",
    415: "A content-encoding other than gzip",
    431: "Too many or too large headers",
    500: "The model failed on these inputs, or its answer is infinite",
    501: "A transfer-encoding other than chunked",
    503: "Full or not ready; try again after `retry-after`",
    504: "Scoring took longer than the time limit",
}
_WITHOUT_BODY = (400, 431, 503)
_FRAMING = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "Length of the JSON in bytes; what follows it are binary tensors",
    "schema": {"type": "integer", "minimum": 0},
}
_CALLER = [
    {
        "name": "x-request-id",
        "in": "header",
        "description": "Comes back as a header, and is the answer's id where the body has none",
        "schema": {"type": "string"},
    },
    {
        "name": "traceparent",
        "in": "header",
        "description": "W3C Trace Context; comes back in the answer's parameters",
        "schema": {"type": "string"},
    },
]


def openapi_document(schema: Schema, identity: Identity, *, server_version: str, max_rows: int) -> Json:
    """The document as a dict, ready to be dumped."""
    name, version = identity.model, identity.version
    paths: Json = {
        "/openapi.json": _get("getOpenApi", "This document", {"type": "object"}),
        "/v2": _get("getServer", "Name, version and extensions of the server", {"$ref": _ref("Server")}),
        "/v2/health/live": _get("isLive", "The process answers", _flag("live")),
        "/v2/health/ready": _get("isReady", "The server can score", _flag("ready")),
    }
    bases = [("", f"/v2/models/{name}")] + ([("Version", f"/v2/models/{name}/versions/{version}")] if version else [])
    for suffix, base in bases:
        paths[base] = _get(f"getModel{suffix}", "Inputs, outputs, digest and revision", {"$ref": _ref("Model")})
        paths[f"{base}/ready"] = _get(f"isModel{suffix}Ready", "The model can score", {"$ref": _ref("ModelReady")})
        paths[f"{base}/infer"] = {"post": _infer(f"infer{suffix}")}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": name,
            "version": version or server_version,
            "description": f"Scores of the model {name} (sha256 {identity.sha256}) by the Open Inference Protocol v2",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(schema, identity, max_rows),
            "responses": {str(status): _error(text) for status, text in _ERRORS.items()},
        },
    }


def _schemas(schema: Schema, identity: Identity, max_rows: int) -> Json:
    text = {"type": "string"}
    return {
        "Request": request_schema(schema, max_rows),
        "Answer": answer_schema(schema, identity),
        "Server": _object(name=text, version=text, extensions={"type": "array", "items": text}),
        "Model": metadata_schema(schema, identity),
        "ModelReady": _object(name={"const": identity.model}, ready={"const": True}),
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {**text, "description": "What failed, what was expected and what came"},
                "reason": {**text, "description": "The same for machines, where there is one"},
            },
        },
    }


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _object(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _flag(name: str) -> Json:
    return _object(**{name: {"const": True}})


def _get(operation: str, summary: str, answer: Json) -> Json:
    good = {"description": summary, "content": {_JSON: {"schema": answer}}}
    return {"get": {"operationId": operation, "summary": summary, "responses": {"200": good} | _refs(_WITHOUT_BODY)}}


def _infer(operation: str) -> Json:
    binary = {"schema": {"contentMediaType": _BINARY}}
    good = {
        "description": "The scores; as octets where an output was asked for in binary",
        "headers": {
            "x-request-id": {"schema": {"type": "string"}},
            "inference-header-content-length": {"schema": {"type": "integer"}},
        },
        "content": {_JSON: {"schema": {"$ref": _ref("Answer")}}, _BINARY: binary},
    }
    return {
        "operationId": operation,
        "summary": "Score rows",
        "parameters": [_FRAMING, *_CALLER],
        "requestBody": {
            "required": True,
            "description": "JSON; or JSON and binary tensors behind it. Either may be compressed (content-encoding: gzip)",
            "content": {_JSON: {"schema": {"$ref": _ref("Request")}}, _BINARY: binary},
        },
        "responses": {"200": good} | _refs(_ERRORS),
    }


def _refs(statuses: Iterable[int]) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _error(description: str) -> Json:
    return {"description": description, "content": {_JSON: {"schema": {"$ref": _ref("Error")}}}}
