"""From a pydantic JSON schema to what Kubernetes calls a structural schema. Used by `crd.py` alone.

Kubernetes wants one plain type at each place: no `$ref`, no unions, no null. Unions are refused here, not guessed at; a
model that wants one writes a member per choice and a rule that says which may be set.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["Schema", "structural"]

Schema = dict[str, Any]

_DROPPED: Final = frozenset({"title", "$defs", "$ref", "examples", "discriminator", "additionalProperties"})
_REF_PREFIX: Final = "#/$defs/"
_INT32_LIMIT: Final = 2**31


def structural(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Schema:
    """Return `schema` with references resolved, optional fields flattened, and only keywords that a CRD may carry."""
    known = schema.get("$defs", {}) if definitions is None else definitions
    flat = _flattened(schema, known)
    result = {key: value for key, value in flat.items() if key not in _DROPPED}
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if result.get("type") == "integer":
        result["format"] = "int32" if result.get("maximum", _INT32_LIMIT) < _INT32_LIMIT else "int64"
    if result.get("type") == "object":
        _as_object(result, flat)
    result = _with_children(result, flat, lambda child: structural(child, known))
    _trim_default(result, flat.get("properties", {}))
    return result


def _flattened(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Schema:
    """Resolve the reference or the `X | None` that stands here; what is written beside it wins."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF_PREFIX)
        return _flattened({**known[name], **{key: value for key, value in schema.items() if key != "$ref"}}, known)
    if "anyOf" not in schema or "x-kubernetes-int-or-string" in schema:
        return dict(schema)
    choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise ValueError(f"a union cannot be structural, write a member per choice and a rule: {schema['anyOf']}")
    return _flattened({**choices[0], **{key: value for key, value in schema.items() if key != "anyOf"}}, known)


def _as_object(result: Schema, flat: Schema) -> None:
    values = flat.get("additionalProperties")
    if "properties" not in flat and not isinstance(values, Mapping):
        result["x-kubernetes-preserve-unknown-fields"] = True


def _trim_default(result: Schema, children: Mapping[str, Schema]) -> None:
    """Keep of a default only what absence and the children's own defaults do not say already.

    An object whose children have defaults keeps at least `{}`, or they would not be applied where the user left it out.
    A list whose items can be owned one by one gets none: the API server would write the default's items down without an
    owner, and a later server-side apply of other items would leave them there.
    """
    default = _without_nulls(result.pop("default", None))
    if result.get("x-kubernetes-list-type") == "map":
        return
    if isinstance(default, dict) and children:
        said = {name: _without_nulls(child.get("default")) for name, child in children.items()}
        result["default"] = {
            name: value for name, value in default.items() if not _is_empty(value) and value != said[name]
        }
    elif not _is_empty(default):
        result["default"] = default


def _without_nulls(value: Any) -> Any:
    """An absent field is left out: to Kubernetes null is a value, and of no type that a field here has."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _with_children(result: Schema, flat: Schema, convert: Callable[[Mapping[str, Any]], Schema]) -> Schema:
    if "properties" in flat:
        result["properties"] = {name: convert(child) for name, child in flat["properties"].items()}
    if isinstance(flat.get("items"), Mapping):
        result["items"] = convert(flat["items"])
    if isinstance(flat.get("additionalProperties"), Mapping):
        result["additionalProperties"] = convert(flat["additionalProperties"])
    return result
