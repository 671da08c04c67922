"""The samples: the least that works fits in twelve lines, and the full one leaves no field out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bankmodel_operator.api.crd import custom_resource_definition
from bankmodel_operator.api.v1alpha1 import BankModel
from support.bankmodels import a_bankmodel

_SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
_ONE_OF_THE_SOURCES = ("model.source.image", "model.source.http", "model.source.volume")
_SAID_FOR_A_SIBLING = (
    "rollout.stickyBy.input",
    "serving.callers[].namespaceSelector.matchExpressions",
    "serving.callers[].podSelector.matchLabels",
    "serving.pod.topologySpreadConstraints[].labelSelector.matchExpressions",
)


def test_minimal_sample_has_twelve_lines() -> None:
    assert 12 == len((_SAMPLES / "minimal.yaml").read_text().splitlines())


def test_builder_of_the_tests_is_the_minimal_sample() -> None:
    assert yaml.safe_load((_SAMPLES / "minimal.yaml").read_text()) == a_bankmodel()


@pytest.mark.parametrize("sample", ["minimal.yaml", "full.yaml"])
def test_sample_is_read(sample: str) -> None:
    assert BankModel.model_validate(yaml.safe_load((_SAMPLES / sample).read_text())).spec.owner


def test_full_sample_shows_every_field() -> None:
    version = custom_resource_definition()["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    shown = set(_paths_of_value(yaml.safe_load((_SAMPLES / "full.yaml").read_text())["spec"]))
    left_out = (*_ONE_OF_THE_SOURCES, *_SAID_FOR_A_SIBLING)

    assert [] == [path for path in _paths_of_schema(schema) if path not in shown and not path.startswith(left_out)]


def _paths_of_schema(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        below = f"{path}.{name}".removeprefix(".")
        yield below
        yield from _paths_of_schema(child, below)
    if "items" in schema:
        yield from _paths_of_schema(schema["items"], f"{path}[]")


def _paths_of_value(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _paths_of_value(item, f"{path}[]")
    elif isinstance(value, dict):
        for name, child in value.items():
            below = f"{path}.{name}".removeprefix(".")
            yield below
            yield from _paths_of_value(child, below)
