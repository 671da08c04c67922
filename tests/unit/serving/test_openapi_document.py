"""The OpenAPI document: made of the model, valid JSON for every datatype, and every path in it is answered."""

import json
from typing import Any

import orjson
import pytest

from bankmodel_serving.card import Card, Feature
from bankmodel_serving.metrics import Identity
from bankmodel_serving.openapi import openapi_document
from bankmodel_serving.tensors import KINDS, TensorSpec, schema_of
from support.scoring_process import ScoringProcess

EVERY = tuple(TensorSpec(kind.datatype, kind, (None, 2)) for kind in KINDS)
CARD = Card(
    features=(Feature(name="FP32", datatype="FP32", on_missing="Reject"), Feature(name="FP64", datatype="FP64"))
)


def _document(card: Card | None = None, version: str = "3") -> Any:
    schema = schema_of(EVERY, EVERY, card)
    identity = Identity("m", "r", version, "s")
    return openapi_document(schema, identity, server_version="0.1", max_rows=7)


def _input(document: Any, name: str) -> Any:
    alternatives = document["components"]["schemas"]["Request"]["properties"]["inputs"]["items"]["anyOf"]
    return next(found["properties"] for found in alternatives if found.get("title") == name)


def test_every_number_in_it_can_be_written_in_json() -> None:
    document = _document()

    assert json.loads(json.dumps(document, allow_nan=False)) == orjson.loads(orjson.dumps(document))


def test_null_is_allowed_where_the_card_allows_a_missing_value() -> None:
    document = _document(CARD)
    flat = {
        name: _input(document, name)["data"]["anyOf"][0]["items"]["type"] for name in ("FP16", "FP32", "FP64", "INT8")
    }

    assert {"FP16": ["number", "null"], "FP32": "number", "FP64": ["number", "null"], "INT8": "integer"} == flat


def test_inputs_say_their_bounds() -> None:
    document = _document()
    nested = _input(document, "UINT8")["data"]["anyOf"][1]

    assert {"type": "integer", "minimum": 0, "maximum": 255} == nested["items"]["items"]
    assert [2, 2] == [nested["items"][bound] for bound in ("minItems", "maxItems")]
    assert [{"type": "integer", "minimum": 1, "maximum": 7}, {"const": 2}] == _input(document, "BYTES")["shape"][
        "prefixItems"
    ]
    assert 65520 == _input(document, "FP16")["data"]["anyOf"][0]["items"]["exclusiveMaximum"]


@pytest.mark.parametrize(("version", "expected"), [("3", 10), ("", 7)])
def test_a_version_has_paths_of_its_own(version: str, expected: int) -> None:
    assert expected == len(_document(version=version)["paths"])


def test_every_reference_leads_somewhere() -> None:
    document = _document()
    found = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "#/components/')[1:]}

    assert {f"{kind}/{name}" for kind, named in document["components"].items() for name in named} == found


def test_every_path_in_it_is_answered_with_what_it_says(mixed: ScoringProcess) -> None:
    paths = mixed.get("/openapi.json").json["paths"]
    answered = {
        path: mixed.request("GET" if "get" in methods else "POST", path).status for path, methods in paths.items()
    }

    assert {path: 200 if "get" in methods else 400 for path, methods in paths.items()} == answered


def test_another_method_is_told_which_are_possible(mixed: ScoringProcess) -> None:
    found = mixed.request("DELETE", "/v2/models/m/infer")

    assert (405, "POST") == (found.status, found.headers["allow"])
