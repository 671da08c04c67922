"""What decisions are made of can't be changed once it is made, and a misspelt field is an error where it is written."""

from __future__ import annotations

from dataclasses import is_dataclass
from importlib import import_module
from pkgutil import walk_packages

from bankmodel_operator import core

_VALUES = [
    each
    for module in walk_packages(core.__path__, f"{core.__name__}.")
    for each in vars(import_module(module.name)).values()
    if isinstance(each, type) and is_dataclass(each) and each.__module__ == module.name
]


def test_every_value_of_the_core_is_frozen() -> None:
    assert _VALUES
    assert [] == [each.__qualname__ for each in _VALUES if not each.__dataclass_params__.frozen]  # type: ignore[attr-defined]


def test_no_value_of_the_core_takes_a_field_it_does_not_declare() -> None:
    assert [] == [each.__qualname__ for each in _VALUES if "__slots__" not in vars(each)]
