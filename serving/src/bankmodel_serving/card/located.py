"""A JSON value and the path it was found at, so that every complaint can name its field. Pure; used by `reading`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar, cast

from bankmodel_serving.errors import CardError

__all__ = ["Located"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Located:
    """One value. Each method returns it as what it has to be, or raises CardError naming the path and what was there."""

    path: str
    value: Any

    def fail(self, expected: str) -> CardError:
        shown = "nothing" if self.value is None else json.dumps(self.value)[:80]
        return CardError(f"{self.path} must be {expected}, got {shown}; write the card again with `bankmodel card`")

    def get(self, key: str) -> "Located":
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        return Located(f"{self.path}.{key}", self.value.get(key))

    def maybe(self, key: str, parse: "Callable[[Located], _T]") -> _T | None:
        found = self.get(key)
        return None if found.value is None else parse(found)

    def items(self) -> "list[Located]":
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.fail("a list")
        return [Located(f"{self.path}[{index}]", item) for index, item in enumerate(self.value)]

    def mapping(self) -> dict[str, Any]:
        if not isinstance(self.value, dict | None):
            raise self.fail("an object")
        return self.value or {}

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.fail("a string")
        return self.value

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.fail("a whole number")
        return self.value

    def number(self) -> float:
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            raise self.fail("a number")
        return float(self.value)

    def count(self) -> int:
        found = 0 if self.value is None else self.integer()
        if found < 0:
            raise self.fail("a count of 0 or more")
        return found

    def one_of(self, allowed: tuple[str, ...]) -> str:
        if self.value not in allowed:
            raise self.fail(f"one of {', '.join(allowed)}")
        return cast(str, self.value)

    def edges(self) -> tuple[float, ...]:
        edges = tuple(item.number() for item in self.items())
        if any(low >= high for low, high in pairwise(edges)):
            raise self.fail("a rising list of numbers")
        return edges
