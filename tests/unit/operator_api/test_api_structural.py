"""From pydantic's JSON schema to a structural one."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from bankmodel_operator.api.structural import structural
from bankmodel_operator.api.v1alpha1 import Model
from bankmodel_operator.api.v1alpha1.base import map_by


class Leaf(Model):
    """A leaf of
    several lines."""

    size: Annotated[int, Field(ge=1, le=9)] = 3
    """How big."""
    name: str | None = None


class Branch(Model):
    leaf: Leaf = Leaf()


class Tree(Model):
    leaf: Leaf = Leaf()
    """The one leaf."""
    other: Leaf | None = None
    required: Leaf
    words: Annotated[dict[str, str], Field(max_length=2)] = {}
    anything: dict[str, Any] | None = None
    set_apart: Leaf = Leaf(size=7)
    twice: Branch = Branch(leaf=Leaf(size=8))


class Torn(Model):
    either: int | str


def _property(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = structural(Tree.model_json_schema())["properties"][name]
    return schema


def test_reference_is_written_out_under_the_fields_own_description() -> None:
    assert "The one leaf." == _property("leaf")["description"]
    assert {"size", "name"} == set(_property("leaf")["properties"])


def test_description_is_one_line() -> None:
    assert "A leaf of several lines." == _property("required")["description"]


def test_optional_field_has_its_plain_type_and_no_default() -> None:
    name = _property("leaf")["properties"]["name"]

    assert {"type": "string"} == name


def test_parent_of_defaults_is_there_by_default() -> None:
    assert {} == _property("leaf")["default"]
    assert "default" not in _property("other")


def test_default_keeps_only_what_the_children_do_not_say() -> None:
    assert {"size": 7} == _property("setApart")["default"]
    assert 8 == _property("twice")["default"]["leaf"]["size"]


def test_integer_has_a_format() -> None:
    assert "int32" == _property("leaf")["properties"]["size"]["format"]


def test_map_is_bounded_and_free_object_is_preserved() -> None:
    assert 2 == _property("words")["maxProperties"]
    assert _property("anything")["x-kubernetes-preserve-unknown-fields"] is True


def test_union_is_refused() -> None:
    with pytest.raises(ValueError, match="a union cannot be structural"):
        structural(Torn.model_json_schema())


def test_absent_fields_in_a_list_s_default_are_left_out() -> None:
    class Listed(Model):
        leaves: tuple[Leaf, ...] = (Leaf(),)

    default = structural(Listed.model_json_schema())["properties"]["leaves"]["default"]

    assert all(None not in leaf.values() for leaf in default)


def test_a_list_of_named_items_has_no_default_that_an_apply_would_leave_behind() -> None:
    class Named(Model):
        leaves: Annotated[tuple[Leaf, ...], map_by("name", 3)] = (Leaf(name="a"),)

    leaves = structural(Named.model_json_schema())["properties"]["leaves"]

    assert "map" == leaves["x-kubernetes-list-type"]
    assert "default" not in leaves
