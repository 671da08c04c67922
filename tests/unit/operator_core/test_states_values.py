"""What decisions are made of can't be changed once it is made, a misspelt field is an error where it is written, and nothing that
was not given is there."""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import timedelta
from importlib import import_module
from pkgutil import walk_packages

from bankmodel_operator import core
from bankmodel_operator.core.states import Baking, Climbing, Fit, Preparing, Watched
from support.saved_trials import CANARY, LADDER, NOW, STABLE

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


def test_a_trial_begins_without_marks() -> None:
    new = Preparing(STABLE, CANARY, 2, LADDER, NOW)
    on_rung = Climbing(STABLE, CANARY, 2, LADDER, NOW, rung=0, since=NOW, fit=Fit())
    bake = Baking(CANARY, STABLE, 2, NOW, Watched.from_now(NOW))

    assert (None, False, False, False) == (new.fit, new.is_exposed, new.is_promoted, new.is_spent)
    assert (None, 0, False, False) == (on_rung.watched, on_rung.highest, on_rung.is_promoted, on_rung.is_spent)
    assert (Watched(timedelta(0), NOW), False, None) == (bake.watched, bake.is_ordered, bake.ladder)
