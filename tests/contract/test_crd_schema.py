"""The CRD in the repository: made from the models, small, described, bounded, and every rule of it tried."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bankmodel_operator.generate import HEADER, render
from support.resource_cases import RULES, TRANSITIONS

_FILE = Path(__file__).parents[2] / "crds" / "bankmodels.serving.bankmodel.io.yaml"
_SIZE_LIMIT = 64 * 1024
_ROOT = ("apiVersion", "kind", "metadata")
_FORBIDDEN = ("$ref", "allOf", "oneOf", "not", "title", "examples", "additionalItems")

Schema = dict[str, Any]


def test_file_is_what_the_models_make() -> None:
    assert _FILE.read_text() == render(), "the CRD has drifted from the models: run `make crds`"


def test_file_says_that_it_is_generated() -> None:
    assert HEADER == _FILE.read_text().splitlines(keepends=True)[0]


def test_file_is_below_64_kib() -> None:
    assert _FILE.stat().st_size < _SIZE_LIMIT


def test_every_field_is_described() -> None:
    undescribed = [path for path, schema in _fields() if not schema.get("description") and _is_named(path)]

    assert [] == undescribed


def test_every_text_list_map_and_number_is_bounded() -> None:
    unbounded = [path for path, schema in _fields() if not _is_bounded(schema) and path not in _ROOT]

    assert [] == unbounded


def test_every_list_says_how_it_merges() -> None:
    undecided = [path for path, schema in _fields() if schema.get("type") == "array" and _MERGE not in schema]

    assert [] == undecided


def test_only_affinity_passes_unknown_fields() -> None:
    passing = [path for path, schema in _fields() if schema.get("x-kubernetes-preserve-unknown-fields")]

    assert ["spec.serving.pod.affinity"] == passing


def test_no_default_has_a_null() -> None:
    """The API server refuses a CRD with one: it checks defaults by the schema, where nothing may be null."""
    having = [path for path, schema in _fields() if "null" in json.dumps(schema.get("default", ""))]

    assert [] == having


def test_schema_is_structural() -> None:
    found = [(path, word) for path, schema in _fields() for word in _FORBIDDEN if word in schema]

    assert [] == found


def test_every_rule_says_what_to_write() -> None:
    assert [] == [path for path, rule in _rules() if len(rule.get("message", "")) < 30]


def test_every_rule_has_a_case_that_fails_it() -> None:
    cases = (*RULES, *TRANSITIONS)
    untried = [
        (path, rule["message"])
        for path, rule in _rules()
        if not any(case.path == path and case.message in rule["message"] for case in cases)
    ]

    assert [] == untried


_MERGE = "x-kubernetes-list-type"


def _is_named(path: str) -> bool:
    return not path.endswith(("[]", "{}")) and path != "metadata"


def _is_bounded(schema: Schema) -> bool:
    if schema.get("x-kubernetes-int-or-string"):
        return "maxLength" in schema
    match schema.get("type"):
        case "string":
            return "maxLength" in schema or "enum" in schema or schema.get("format") == "date-time"
        case "array":
            return "maxItems" in schema
        case "object" if "additionalProperties" in schema:
            return "maxProperties" in schema
        case "integer":
            return "minimum" in schema
        case _:
            return True


def _rules() -> Iterator[tuple[str, Schema]]:
    for path, schema in (("", _root()), *_fields()):
        yield from ((path, rule) for rule in schema.get("x-kubernetes-validations", ()))


def _fields() -> Iterator[tuple[str, Schema]]:
    return _below("", _root())


def _root() -> Schema:
    schema: Schema = yaml.safe_load(_FILE.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _below(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    for name, child in schema.get("properties", {}).items():
        yield from _with_below(f"{path}.{name}" if path else name, child)
    if "items" in schema:
        yield from _with_below(f"{path}[]", schema["items"])
    if "additionalProperties" in schema:
        yield from _with_below(f"{path}{{}}", schema["additionalProperties"])


def _with_below(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    yield from _below(path, schema)
