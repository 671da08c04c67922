"""What a CRD's schema says against an object, without an API server: shape, bounds, and the rules that match one text.

Rules in CEL that do more than `self.matches('…')` are tried on the real API server, in the control-plane tests.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

__all__ = ["complaints"]

_FILE = Path(__file__).parents[2] / "crds" / "bankmodels.serving.bankmodel.io.yaml"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_MATCHES = re.compile(r"self\.matches\('([^']+)'\)")

Schema = dict[str, Any]


def complaints(resource: dict[str, Any]) -> list[str]:
    """Every way in which the BankModel breaks the CRD's schema; empty where it fits."""
    definition = yaml.safe_load(_FILE.read_text())["spec"]
    (schema,) = (each["schema"]["openAPIV3Schema"] for each in definition["versions"] if each["storage"])
    versions = [f"{definition['group']}/{each['name']}" for each in definition["versions"]]
    found = [] if resource["apiVersion"] in versions else [f"apiVersion {resource['apiVersion']} is none of {versions}"]
    found += [] if resource["kind"] == definition["names"]["kind"] else [f"kind is {resource['kind']}"]
    known = schema["properties"] | {"metadata": {"additionalProperties": {"type": "string"}}}
    return [*found, *_check(resource, schema | {"properties": known}, "")]


def _check(value: Any, schema: Schema, path: str) -> Iterator[str]:
    kind = schema.get("type", "object")
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path} is {type(value).__name__}, not {kind}"
    elif isinstance(value, dict):
        yield from _check_object(value, schema, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check(item, schema["items"], f"{path}[{index}]")
    else:
        yield from _check_scalar(value, schema, path)


def _check_object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[str]:
    yield from (f"{path}.{key} is required" for key in schema.get("required", ()) if key not in value)
    for key, item in value.items():
        child = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if isinstance(child, dict):
            yield from _check(item, child, f"{path}.{key}")
        else:
            yield f"{path}.{key} is unknown"


def _check_scalar(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if value not in schema.get("enum", (value,)):
        yield f"{path} {value!r} is none of {schema['enum']}"
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{path} has {len(value)} characters"
        patterns = [schema["pattern"]] if "pattern" in schema else []
        rules = (_MATCHES.fullmatch(rule["rule"]) for rule in schema.get("x-kubernetes-validations", ()))
        patterns += [found[1] for found in rules if found]
        yield from (
            f"{path} {value!r} does not match {pattern}" for pattern in patterns if not re.search(pattern, value)
        )
    elif not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path} {value} is out of range"
